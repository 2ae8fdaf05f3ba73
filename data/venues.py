"""Conferences and journals by the short names that sources use, and where a text names one.

A name is known by its words: case, punctuation and small words ("of", "the", "and") do not tell names apart, so that
"IEEE Transactions on Pattern Analysis & Machine Intelligence" needs one entry. Of names that begin at the same word the
longest counts ("SIGGRAPH Asia", not "SIGGRAPH").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from data.journals import JOURNALS

# The short name is an alias itself; further ones are separated by "|".
CONFERENCES: Mapping[str, str] = {
    # machine learning
    "NeurIPS": "NIPS | Neural IPS | NeuriIPS | NeruIPS | NuerIPS | NeurlPS | Neural Information Processing Systems",
    "ICML": "International Conference on Machine Learning",
    "ICLR": "International Conference on Learning Representations | Conference on Learning Representations",
    "AISTATS": "Artificial Intelligence and Statistics",
    "UAI": "Uncertainty in Artificial Intelligence",
    "COLT": "Conference on Learning Theory | Computational Learning Theory",
    "ALT": "Algorithmic Learning Theory",
    "ACML": "Asian Conference on Machine Learning",
    "AutoML": "Conference on Automated Machine Learning | AutoML Conf | AutoML Conference",
    "CoLLAs": "Lifelong Learning Agents",
    "CLeaR": "Causal Learning and Reasoning",
    "CPAL": "Conference on Parsimony and Learning",
    "LoG": "Learning on Graphs Conference | LoG Conference",
    "L4DC": "Learning for Dynamics and Control",
    "MLSys": "Conference on Machine Learning and Systems | Machine Learning and Systems",
    "ML4H": "Machine Learning for Health | Machine Learning for Health Symposium",
    "MLHC": "Machine Learning for Healthcare | Machine Learning for Healthcare Conference",
    "MIDL": "Medical Imaging with Deep Learning",
    "CHIL": "Conference on Health Inference and Learning",
    "NLDL": "Northern Lights Deep Learning | Northern Lights Deep Learning Conference",
    "NeSy": "Neurosymbolic Learning and Reasoning | Neuro-symbolic Learning and Reasoning",
    "NeuS": "Neuro-symbolic Systems",
    "RLC": "Reinforcement Learning Conference",
    "RLDM": "Reinforcement Learning and Decision Making",
    "SaTML": "Secure and Trustworthy Machine Learning",
    "COLM": "Conference on Language Modeling",
    "EurIPS": "",
    "ECML PKDD": "ECML | PKDD | ECMLPKDD | European Conference on Machine Learning"
    " | Machine Learning and Principles and Practice of Knowledge Discovery in Databases"
    " | European Conference on Machine Learning and Principles and Practice of Knowledge Discovery in Databases",
    "IJCNN": "International Joint Conference on Neural Networks | Joint Conference on Neural Networks",
    "ICANN": "International Conference on Artificial Neural Networks | Artificial Neural Networks",
    "ICONIP": "International Conference on Neural Information Processing",
    "ESANN": "European Symposium on Artificial Neural Networks",
    "ICMLA": "International Conference on Machine Learning and Applications",
    "MLSP": "Workshop on Machine Learning for Signal Processing | Machine Learning for Signal Processing",
    "GECCO": "Genetic and Evolutionary Computation Conference",
    "PPSN": "Parallel Problem Solving from Nature",
    "WCCI": "World Congress on Computational Intelligence",
    "FOGA": "Foundations of Genetic Algorithms",
    "SSCI": "Symposium Series on Computational Intelligence",
    "CEC": "Congress on Evolutionary Computation",
    "TARK": "Theoretical Aspects of Rationality and Knowledge",
    # artificial intelligence
    "AAAI": "AAAI Conference on Artificial Intelligence | Association for the Advancement of Artificial Intelligence",
    "IAAI": "Innovative Applications of Artificial Intelligence",
    "EAAI": "Educational Advances in Artificial Intelligence",
    "IJCAI": "International Joint Conference on Artificial Intelligence"
    " | International Joint Conferences on Artificial Intelligence | IJCAI ECAI",
    "ECAI": "European Conference on Artificial Intelligence",
    "AAMAS": "Autonomous Agents and Multiagent Systems | Autonomous Agents and Multi-Agent Systems",
    "ICAPS": "Automated Planning and Scheduling",
    "KR": "Principles of Knowledge Representation and Reasoning",
    "AIES": "AAAI/ACM Conference on AI Ethics and Society | AI Ethics and Society"
    " | Artificial Intelligence Ethics and Society",
    "FAccT": "ACM FAccT | Fairness Accountability and Transparency",
    "EAAMO": "Equity and Access in Algorithms Mechanisms and Optimization",
    "AIED": "Artificial Intelligence in Education",
    "EDM": "Educational Data Mining",
    "LAK": "Learning Analytics and Knowledge",
    "EC-TEL": "ECTEL | European Conference on Technology Enhanced Learning",
    "ICAIL": "Artificial Intelligence and Law Conference | International Conference on Artificial Intelligence and Law",
    "JURIX": "Legal Knowledge and Information Systems",
    "PRICAI": "Pacific Rim International Conference on Artificial Intelligence",
    "PRIMA": "",
    "ICTAI": "International Conference on Tools with Artificial Intelligence",
    "ICAART": "International Conference on Agents and Artificial Intelligence | Agents and Artificial Intelligence",
    "AIME": "Artificial Intelligence in Medicine Conference | International Conference on Artificial Intelligence in Medicine",
    "ICLP": "International Conference on Logic Programming",
    "JELIA": "Logics in Artificial Intelligence",
    "ECSQARU": "",
    "CAI": "IEEE CAI | IEEE Conference on Artificial Intelligence",
    "Canadian AI": "Canadian Conference on Artificial Intelligence",
    "IASEAI": "International Association for Safe and Ethical AI",
    "CogSci": "Annual Meeting of the Cognitive Science Society | Annual Conference of the Cognitive Science Society"
    " | Cognitive Science Society",
    "ALIFE": "Conference on Artificial Life",
    "AGI": "Artificial General Intelligence",
    "XAI": "World Conference on Explainable Artificial Intelligence",
    "FLAIRS": "",
    "EPIA": "EPIA Conference on Artificial Intelligence",
    "CP": "Principles and Practice of Constraint Programming",
    "CPAIOR": "",
    "SAT": "Theory and Applications of Satisfiability Testing",
    "HHAI": "Hybrid Human-Artificial Intelligence | Hybrid Human Artificial Intelligence",
    "CLIMA": "",
    "ICCBR": "Case-Based Reasoning",
    "LOD": "Machine Learning Optimization and Data Science",
    "FUZZ-IEEE": "Fuzzy Systems Conference",
    "BRACIS": "Brazilian Conference on Intelligent Systems",
    "ENIAC": "",
    "AICCSA": "",
    "KES": "",
    "IntelliSys": "Intelligent Systems Conference",
    "CAIN": "AI Engineering Conference",
    "CVM": "Computational Visual Media Conference",
    # computer vision and graphics
    "CVPR": "Computer Vision and Pattern Recognition | Computer Vision and Pattern Recognition Conference"
    " | Conference on Computer Vision and Pattern Recognition",
    "ICCV": "International Conference on Computer Vision",
    "ECCV": "European Conference on Computer Vision",
    "WACV": "Winter Conference on Applications of Computer Vision | Applications of Computer Vision",
    "ACCV": "Asian Conference on Computer Vision",
    "BMVC": "British Machine Vision Conference",
    "3DV": "International Conference on 3D Vision | Conference on 3D Vision",
    "ICCP": "International Conference on Computational Photography",
    "ICIP": "International Conference on Image Processing",
    "ICPR": "International Conference on Pattern Recognition",
    "ICIAP": "International Conference on Image Analysis and Processing | Image Analysis and Processing",
    "ICDAR": "Document Analysis and Recognition",
    "DAS": "Document Analysis Systems",
    "FG": "IEEE FG | Automatic Face and Gesture Recognition | Face and Gesture",
    "IJCB": "International Joint Conference on Biometrics",
    "BIOSIG": "",
    "IWBF": "Biometrics and Forensics",
    "WIFS": "Workshop on Information Forensics and Security",
    "AVSS": "Advanced Video and Signal Based Surveillance | Advanced Visual and Signal Based Systems",
    "DICTA": "Digital Image Computing Techniques and Applications",
    "VISAPP": "Computer Vision Theory and Applications",
    "VISIGRAPP": "",
    "GRAPP": "Computer Graphics Theory and Applications",
    "ICPRAM": "Pattern Recognition Applications and Methods",
    "IVAPP": "Information Visualization Theory and Applications",
    "CAIP": "Computer Analysis of Images and Patterns",
    "SCIA": "Scandinavian Conference on Image Analysis",
    "GCPR": "German Conference on Pattern Recognition | DAGM GCPR",
    "PRCV": "Pattern Recognition and Computer Vision | Chinese Conference on Pattern Recognition and Computer Vision",
    "ACPR": "Asian Conference on Pattern Recognition",
    "ICVGIP": "Indian Conference on Computer Vision Graphics and Image Processing",
    "IbPRIA": "Iberian Conference on Pattern Recognition and Image Analysis",
    "CIARP": "Iberoamerican Congress on Pattern Recognition",
    "SIBGRAPI": "Conference on Graphics Patterns and Images",
    "CVIP": "Computer Vision and Image Processing Conference",
    "ICVS": "International Conference on Computer Vision Systems",
    "ACIVS": "Advanced Concepts for Intelligent Vision Systems",
    "ISVC": "International Symposium on Visual Computing",
    "MVA": "Machine Vision Applications Conference | International Conference on Machine Vision Applications",
    "ICMV": "International Conference on Machine Vision",
    "IMVIP": "Irish Machine Vision and Image Processing | Irish Machine Vision and Image Processing Conference",
    "IPTA": "Image Processing Theory Tools and Applications",
    "ICIG": "International Conference on Image and Graphics",
    "CBMI": "Content-Based Multimedia Indexing",
    "SSVM": "Scale Space and Variational Methods in Computer Vision | Scale Space and Variational Method in Computer Vision",
    "CVMP": "European Conference on Visual Media Production | SIGGRAPH European Conference on Visual Media Production",
    "CRV": "Conference on Robots and Vision",
    "CVWW": "Computer Vision Winter Workshop",
    "SIGGRAPH": "ACM SIGGRAPH",
    "SIGGRAPH Asia": "ACM SIGGRAPH Asia | SIGGRAPHAsia | SIGA",
    "Eurographics": "Annual Conference of the European Association for Computer Graphics",
    "EGSR": "Eurographics Symposium on Rendering",
    "Pacific Graphics": "",
    "HPG": "High Performance Graphics",
    "I3D": "Symposium on Interactive 3D Graphics and Games | Interactive 3D Graphics and Games",
    "SCA": "Symposium on Computer Animation",
    "MIG": "Motion Interaction and Games",
    "SGP": "Symposium on Geometry Processing",
    "IEEE VIS": "VIS | IEEE Visualization Conference",
    "PacificVis": "Pacific Visualization",
    "EuroVis": "",
    "IEEE VR": "VR | IEEE Conference on Virtual Reality and 3D User Interfaces | Virtual Reality and 3D User Interfaces"
    " | IEEEVR",
    "ISMAR": "International Symposium on Mixed and Augmented Reality | Mixed and Augmented Reality",
    # natural language and speech
    "ACL": "Annual Meeting of the Association for Computational Linguistics"
    " | Meeting of the Association for Computational Linguistics | Association for Computational Linguistics"
    " | Annual Meeting of the ACL | Association of Computational Linguistics | ACL IJCNLP",
    "EMNLP": "Empirical Methods in Natural Language Processing | Empirical Methods on Natural Language Processing"
    " | EMNLP IJCNLP",
    "NAACL": "North American Chapter of the Association for Computational Linguistics"
    " | Nations of the Americas Chapter of the Association for Computational Linguistics"
    " | Nations of the Americas Chapter of the ACL | North American Chapter of the ACL | NAACL HLT | HLT NAACL",
    "EACL": "European Chapter of the Association for Computational Linguistics | European Chapter of the ACL",
    "AACL": "Asia-Pacific Chapter of the Association for Computational Linguistics",
    "IJCNLP": "International Joint Conference on Natural Language Processing",
    "IJCNLP-AACL": "AACL IJCNLP | International Joint Conference on Natural Language Processing"
    " and the Asia-Pacific Chapter of the Association for Computational Linguistics"
    " | International Joint Conference on Natural Language Processing"
    " and the 4th Conference of the Asia-Pacific Chapter of the Association for Computational Linguistics",
    "COLING": "International Conference on Computational Linguistics | Conference on Computational Linguistics",
    "LREC": "Language Resources and Evaluation Conference | International Conference on Language Resources and Evaluation"
    " | Conference on Language Resources and Evaluation | LREC COLING",
    "CoNLL": "Computational Natural Language Learning",
    "SemEval": "International Workshop on Semantic Evaluation",
    "INLG": "International Natural Language Generation Conference | Natural Language Generation Conference"
    " | International Conference on Natural Language Generation",
    "SIGDIAL": "Special Interest Group on Discourse and Dialogue",
    "IWSDS": "Spoken Dialogue Systems",
    "IWSLT": "International Conference on Spoken Language Translation",
    "WMT": "Conference on Machine Translation",
    "MT Summit": "Machine Translation Summit | MTSummit",
    "EAMT": "European Association for Machine Translation",
    "AMTA": "Association for Machine Translation in the Americas",
    "RANLP": "Recent Advances in Natural Language Processing",
    "NoDaLiDa": "Nordic Conference on Computational Linguistics",
    "PACLIC": "Pacific Asia Conference on Language Information and Computation",
    "ROCLING": "",
    "NLPCC": "Natural Language Processing and Chinese Computing",
    "CCL": "China National Conference on Computational Linguistics"
    " | Chinese National Conference on Computational Linguistics",
    "KONVENS": "",
    "NLDB": "Natural Language and Information Systems | Applications of Natural Language to Information Systems",
    "TSD": "Text Speech and Dialogue",
    "ICNLSP": "Natural Language and Speech Processing",
    "ICNLP": "",
    "ICON": "",
    "ALTA": "Australasian Language Technology Association",
    "CLiC-it": "Italian Conference on Computational Linguistics",
    "PROPOR": "Computational Processing of Portuguese",
    "SEPLN": "",
    "CLEF": "Conference and Labs of the Evaluation Forum",
    "SCiL": "Society for Computation in Linguistics",
    "IWCS": "International Conference on Computational Semantics",
    "GITT": "",
    "SwissText": "Swiss Text Analytics Conference",
    "CLIN": "Computational Linguistics in the Netherlands",
    "*SEM": "StarSEM | Lexical and Computational Semantics",
    "Interspeech": "INTERSPEECH Conference",
    "ICASSP": "International Conference on Acoustics Speech and Signal Processing | Acoustics Speech and Signal Processing",
    "ASRU": "Automatic Speech Recognition and Understanding | Automatic Speech Recognition and Understanding Workshop",
    "SLT": "Spoken Language Technology Workshop | Spoken Language Technology",
    "SSW": "Speech Synthesis Workshop",
    "SLaTE": "Speech and Language Technology in Education",
    "SPECOM": "Speech and Computer",
    "O-COCOSDA": "Oriental COCOSDA",
    "ISCSLP": "International Symposium on Chinese Spoken Language Processing",
    "NCMMSC": "National Conference on Man-Machine Speech Communication",
    "Odyssey": "Odyssey Speaker and Language Recognition Workshop",
    "WASPAA": "Applications of Signal Processing to Audio and Acoustics",
    "ISMIR": "International Society for Music Information Retrieval | Music Information Retrieval Conference",
    "DCASE": "Detection and Classification of Acoustic Scenes and Events",
    "EUSIPCO": "European Signal Processing Conference",
    "APSIPA ASC": "APSIPA | Asia Pacific Signal and Information Processing Association",
    "MMSP": "Multimedia Signal Processing",
    "SSP": "Statistical Signal Processing Workshop",
    "GlobalSIP": "",
    "DSP": "International Conference on Digital Signal Processing",
    "PCS": "Picture Coding Symposium",
    "DCC": "Data Compression Conference",
    "VCIP": "Visual Communications and Image Processing",
    "QoMEX": "Quality of Multimedia Experience",
    # multimedia, the web, data and retrieval
    "ACM MM": "ACMMM | MM | ACM Multimedia | ACM International Conference on Multimedia | ACM Multimedia Conference"
    " | ACM Conference on Multimedia | International Conference on Multimedia | ACM M M",
    "MMAsia": "ACM MM Asia | ACM Multimedia Asia | MM Asia | ACM MMAsia",
    "ICMR": "International Conference on Multimedia Retrieval",
    "ICME": "Multimedia and Expo",
    "MMM": "MultiMedia Modeling | Multimedia Modelling",
    "MMSys": "Multimedia Systems Conference",
    "ICMI": "International Conference on Multimodal Interaction | Multimodal Interaction Conference",
    "WWW": "The Web Conference | Web Conference | TheWebConf | WebConf | World Wide Web Conference"
    " | International World Wide Web Conference | WWW TheWebConf | TheWebConference",
    "KDD": "SIGKDD | Knowledge Discovery and Data Mining | SIGKDD Conference on Knowledge Discovery and Data Mining"
    " | ACM SIGKDD | ACM KDD",
    "PAKDD": "Pacific Asia Conference on Knowledge Discovery and Data Mining"
    " | Pacific-Asia Conference on Advances in Knowledge Discovery and Data Mining",
    "WSDM": "Web Search and Data Mining",
    "CIKM": "Information and Knowledge Management",
    "SIGIR": "Research and Development in Information Retrieval | ACM SIGIR",
    "SIGIR-AP": "Information Retrieval in the Asia Pacific",
    "ICTIR": "Theory of Information Retrieval | Innovative Concepts and Theories in Information Retrieval",
    "CHIIR": "Human Information Interaction and Retrieval",
    "ECIR": "European Conference on Information Retrieval",
    "RecSys": "ACM Conference on Recommender Systems | Conference on Recommender Systems | ACM RecSys",
    "UMAP": "User Modeling Adaptation and Personalization",
    "IUI": "Intelligent User Interfaces",
    "ICDM": "International Conference on Data Mining",
    "SDM": "SIAM International Conference on Data Mining",
    "DSAA": "Data Science and Advanced Analytics",
    "IEEE BigData": "BigData | Big Data | International Conference on Big Data | IEEE Big Data",
    "SIGMOD": "Management of Data | ACM SIGMOD",
    "VLDB": "Very Large Data Bases | PVLDB | Very Large Databases",
    "ICDE": "International Conference on Data Engineering",
    "EDBT": "Extending Database Technology",
    "DASFAA": "Database Systems for Advanced Applications",
    "DEXA": "Database and Expert Systems Applications",
    "ADMA": "Advanced Data Mining and Applications",
    "ADBIS": "Advances in Databases and Information Systems",
    "ISWC": "International Semantic Web Conference",
    "ESWC": "European Semantic Web Conference | Extended Semantic Web Conference",
    "SEMANTiCS": "International Conference on Semantic Systems",
    "EKAW": "Knowledge Engineering and Knowledge Management",
    "K-CAP": "Knowledge Capture",
    "FOIS": "Formal Ontology in Information Systems",
    "WISE": "Web Information Systems Engineering",
    "WI-IAT": "Web Intelligence and Intelligent Agent Technology",
    "ICWSM": "AAAI ICWSM | Web and Social Media | International AAAI Conference on Web and Social Media"
    " | International Conference on Web and Social Media",
    "ASONAM": "Advances in Social Networks Analysis and Mining",
    "WebSci": "ACM Web Science Conference | Web Science Conference",
    "HT": "ACM Conference on Hypertext and Social Media | Hypertext and Social Media",
    "JCDL": "Joint Conference on Digital Libraries",
    "TPDL": "Theory and Practice of Digital Libraries",
    "IC2S2": "International Conference on Computational Social Science",
    "SIGSPATIAL": "ACM SIGSPATIAL | Advances in Geographic Information Systems",
    "DH": "Digital Humanities Conference",
    "ICAIF": "International Conference on AI in Finance",
    "IDA": "Intelligent Data Analysis Symposium | Symposium on Intelligent Data Analysis",
    "EGC": "",
    # people and machines
    "CHI": "ACM CHI | Human Factors in Computing Systems",
    "UIST": "User Interface Software and Technology",
    "CSCW": "Computer-Supported Cooperative Work and Social Computing | Computer-Supported Cooperative Work",
    "CSCWD": "Computer-Supported Cooperative Work in Design",
    "DIS": "Designing Interactive Systems",
    "UbiComp": "Pervasive and Ubiquitous Computing",
    "ETRA": "Eye Tracking Research and Applications",
    "HCII": "Human-Computer Interaction International | HCI International",
    "INTERACT": "",
    "NordiCHI": "",
    "OzCHI": "",
    "MobileHCI": "",
    "ASSETS": "Computers and Accessibility",
    "ACII": "Affective Computing and Intelligent Interaction",
    "IVA": "Intelligent Virtual Agents",
    "PETRA": "Pervasive Technologies Related to Assistive Environments",
    "CUI": "Conversational User Interfaces",
    "TEI": "Tangible Embedded and Embodied Interaction",
    "C&C": "Creativity and Cognition",
    "VRST": "Virtual Reality Software and Technology",
    "L@S": "Learning at Scale | Learning @ Scale",
    "SIGCSE": "SIGCSE TS",
    "ITiCSE": "Innovation and Technology in Computer Science Education",
    "FIE": "Frontiers in Education Conference",
    "EDUCON": "Global Engineering Education Conference",
    # robots and vehicles
    "ICRA": "International Conference on Robotics and Automation",
    "IROS": "Intelligent Robots and Systems",
    "RSS": "Robotics Science and Systems",
    "CoRL": "Conference on Robot Learning",
    "HRI": "Human-Robot Interaction Conference | International Conference on Human-Robot Interaction",
    "RO-MAN": "ROMAN | Robot and Human Interactive Communication",
    "Humanoids": "Humanoid Robots | IEEE-RAS Humanoids",
    "CASE": "Automation Science and Engineering Conference | International Conference on Automation Science and Engineering",
    "ECMR": "European Conference on Mobile Robots",
    "ISER": "International Symposium on Experimental Robotics",
    "ISRR": "International Symposium of Robotics Research | International Symposium on Robotics Research",
    "WAFR": "Algorithmic Foundations of Robotics",
    "ROBIO": "Robotics and Biomimetics",
    "ICAR": "International Conference on Advanced Robotics",
    "ACRA": "Australasian Conference on Robotics and Automation",
    "BioRob": "Biomedical Robotics and Biomechatronics",
    "ICSR": "International Conference on Social Robotics | Social Robotics Conference",
    "MRS": "Multi-Robot and Multi-Agent Systems",
    "ARSO": "Advanced Robotics and Its Social Impacts",
    "AIM": "Advanced Intelligent Mechatronics",
    "RoboCup": "RoboCup Symposium",
    "IV": "IEEE IV | Intelligent Vehicles Symposium | IEEE Intelligent Vehicles | Intelligent Vehicles",
    "ITSC": "Intelligent Transportation Systems Conference | International Conference on Intelligent Transportation Systems"
    " | Conference on Intelligent Transportation Systems",
    "VTC": "Vehicular Technology Conference",
    "ACC": "American Control Conference",
    "CDC": "Conference on Decision and Control",
    "ECC": "European Control Conference",
    "IFAC": "IFAC World Congress",
    "SMC": "IEEE SMC | International Conference on Systems Man and Cybernetics | Systems Man and Cybernetics Conference"
    " | Conference on Systems Man and Cybernetics",
    # medicine and biology
    "MICCAI": "Medical Image Computing and Computer Assisted Intervention"
    " | Medical Image Computing and Computer-Assisted Interventions",
    "IPMI": "Information Processing in Medical Imaging",
    "ISBI": "International Symposium on Biomedical Imaging | Symposium on Biomedical Imaging",
    "SPIE Medical Imaging": "",
    "IPCAI": "Information Processing in Computer-Assisted Interventions",
    "MIUA": "Medical Image Understanding and Analysis",
    "EMBC": "Engineering in Medicine and Biology Society | Engineering in Medicine and Biology Conference",
    "BIBM": "Bioinformatics and Biomedicine",
    "BHI": "Biomedical and Health Informatics Conference"
    " | International Conference on Biomedical and Health Informatics",
    "ICHI": "International Conference on Healthcare Informatics",
    "CBMS": "Computer-Based Medical Systems",
    "BVM": "Bildverarbeitung fur die Medizin | German Conference on Medical Image Computing",
    "AMIA": "AMIA Annual Symposium",
    "STACOM": "",
    "PSB": "Pacific Symposium on Biocomputing",
    "RECOMB": "Research in Computational Molecular Biology",
    "ISMB": "Intelligent Systems for Molecular Biology",
    "ISMRM": "International Society for Magnetic Resonance in Medicine",
    "MICAD": "",
    "CinC": "Computing in Cardiology",
    "CARS": "Computer Assisted Radiology and Surgery Congress",
    "FIMH": "Functional Imaging and Modeling of the Heart",
    # earth observation
    "IGARSS": "Geoscience and Remote Sensing Symposium",
    "ISPRS": "ISPRS Congress",
    "WHISPERS": "Hyperspectral Image and Signal Processing | Hyperspectral Imaging and Signal Processing",
    # systems, software, networks, security, theory
    "ICSE": "International Conference on Software Engineering",
    "FSE": "ESEC FSE | Foundations of Software Engineering",
    "ASE": "Automated Software Engineering",
    "ISSTA": "Software Testing and Analysis",
    "MSR": "Mining Software Repositories",
    "SANER": "Software Analysis Evolution and Reengineering",
    "ICST": "",
    "ICPC": "International Conference on Program Comprehension",
    "ICSME": "Software Maintenance and Evolution",
    "EASE": "Evaluation and Assessment in Software Engineering",
    "CAiSE": "Advanced Information Systems Engineering",
    "RE": "International Requirements Engineering Conference",
    "OOPSLA": "",
    "PLDI": "Programming Language Design and Implementation",
    "POPL": "",
    "CAV": "Computer Aided Verification",
    "TACAS": "",
    "CC": "International Conference on Compiler Construction",
    "CGO": "Code Generation and Optimization",
    "ASPLOS": "Architectural Support for Programming Languages and Operating Systems",
    "ISCA": "International Symposium on Computer Architecture",
    "MICRO": "International Symposium on Microarchitecture",
    "HPCA": "High-Performance Computer Architecture",
    "PPoPP": "Principles and Practice of Parallel Programming",
    "SC": "High Performance Computing Networking Storage and Analysis",
    "ICS": "International Conference on Supercomputing",
    "IPDPS": "International Parallel and Distributed Processing Symposium",
    "HPDC": "High-Performance Parallel and Distributed Computing",
    "ICPADS": "",
    "ICPP": "International Conference on Parallel Processing",
    "Euro-Par": "",
    "CLUSTER": "International Conference on Cluster Computing",
    "CCGrid": "Cluster Cloud and Internet Computing",
    "OSDI": "Operating Systems Design and Implementation",
    "SOSP": "Symposium on Operating Systems Principles",
    "NSDI": "Networked Systems Design and Implementation",
    "USENIX ATC": "USENIX Annual Technical Conference",
    "USENIX Security": "USENIX Security Symposium",
    "EuroSys": "European Conference on Computer Systems",
    "SoCC": "ACM Symposium on Cloud Computing",
    "Middleware": "",
    "RTSS": "Real-Time Systems Symposium",
    "DAC": "Design Automation Conference",
    "DATE": "Design Automation and Test in Europe",
    "ICCAD": "International Conference on Computer-Aided Design | Computer Aided Design Conference",
    "ASP-DAC": "ASPDAC | Asia and South Pacific Design Automation Conference",
    "FCCM": "Field-Programmable Custom Computing Machines",
    "FPGA": "International Symposium on Field-Programmable Gate Arrays",
    "FPL": "Field-Programmable Logic and Applications",
    "ISCAS": "International Symposium on Circuits and Systems",
    "AICAS": "Artificial Intelligence Circuits and Systems",
    "BioCAS": "Biomedical Circuits and Systems Conference",
    "MWSCAS": "",
    "APCCAS": "",
    "ISLPED": "Low Power Electronics and Design",
    "GLSVLSI": "Great Lakes Symposium on VLSI",
    "ICCD": "International Conference on Computer Design",
    "INFOCOM": "Conference on Computer Communications",
    "MobiCom": "Mobile Computing and Networking",
    "MobiSys": "Mobile Systems Applications and Services",
    "SenSys": "Embedded Networked Sensor Systems | Embedded Artificial Intelligence and Sensing Systems",
    "IPSN": "Information Processing in Sensor Networks",
    "SIGCOMM": "",
    "IMC": "Internet Measurement Conference",
    "ICC": "IEEE ICC | IEEE International Conference on Communications",
    "GLOBECOM": "Global Communications Conference",
    "WCNC": "Wireless Communications and Networking Conference",
    "PIMRC": "Personal Indoor and Mobile Radio Communications",
    "ICCCN": "Computer Communications and Networks",
    "ICDCS": "Distributed Computing Systems",
    "PerCom": "Pervasive Computing and Communications",
    "ISIT": "International Symposium on Information Theory",
    "ITW": "Information Theory Workshop",
    "COMPSAC": "Computers Software and Applications Conference",
    "CCS": "ACM CCS | Computer and Communications Security",
    "NDSS": "Network and Distributed System Security",
    "IEEE S&P": "IEEE Symposium on Security and Privacy | Oakland | IEEE SP",
    "EuroS&P": "European Symposium on Security and Privacy",
    "ACSAC": "Annual Computer Security Applications Conference",
    "RAID": "Research in Attacks Intrusions and Defenses",
    "ESORICS": "European Symposium on Research in Computer Security",
    "PETS": "Privacy Enhancing Technologies Symposium | PoPETs | Privacy Enhancing Technologies",
    "AsiaCCS": "Asia Conference on Computer and Communications Security | ASIA CCS",
    "DSN": "Dependable Systems and Networks",
    "TrustCom": "",
    "SOUPS": "Usable Privacy and Security",
    "IH&MMSec": "IHMMSec | Information Hiding and Multimedia Security",
    "STOC": "Symposium on Theory of Computing",
    "FOCS": "Foundations of Computer Science",
    "SODA": "Symposium on Discrete Algorithms",
    "ITCS": "Innovations in Theoretical Computer Science",
    "ICALP": "Automata Languages and Programming",
    "EC": "ACM EC | Economics and Computation",
    "WINE": "Web and Internet Economics",
    "SAC": "ACM SAC | Symposium on Applied Computing",
    "ICCS": "International Conference on Computational Science",
    "ITP": "Interactive Theorem Proving",
    "CICM": "Intelligent Computer Mathematics",
    "IJCAR": "International Joint Conference on Automated Reasoning",
    "LICS": "Logic in Computer Science",
    "WSC": "Winter Simulation Conference",
    "QCE": "Quantum Computing and Engineering | IEEE Quantum Week",
    "CoG": "IEEE Conference on Games | IEEE CoG | Conference on Games",
    "AIIDE": "Artificial Intelligence and Interactive Digital Entertainment",
    "FDG": "Foundations of Digital Games",
    "ICCC": "International Conference on Computational Creativity",
    "EvoMUSART": "",
    "EvoStar": "EvoApplications",
    "NIME": "New Interfaces for Musical Expression",
    "ICMC": "International Computer Music Conference",
    "AES": "AES Convention | Audio Engineering Society Convention",
    "DAFx": "Digital Audio Effects",
    "SMARTCOMP": "",
    "IJCRS": "Joint Conference on Rough Sets",
    "IPMU": "Information Processing and Management of Uncertainty",
    "ICIC": "International Conference on Intelligent Computing",
    "ICCCI": "",
    "ACIIDS": "Asian Conference on Intelligent Information and Database Systems",
    "HAIS": "Hybrid Artificial Intelligence Systems",
    "IWANN": "",
    "ICAISC": "",
    "CAEPIA": "",
    "AIxIA": "",
    "AICS": "Artificial Intelligence and Cognitive Science",
    "SGAI": "",
    "BNAIC": "BNAIC BeNeLearn",
    "SCAI": "Scandinavian Conference on Artificial Intelligence",
    "KI": "German Conference on Artificial Intelligence",
    "AI*IA": "",
    "MIWAI": "",
    "AusDM": "Australasian Data Mining Conference",
    "AJCAI": "Australasian Joint Conference on Artificial Intelligence",
    "ACAI": "",
    "TAAI": "",
    # seen less often
    "HICSS": "Hawaii International Conference on System Sciences",
    "ICCIT": "International Conference on Computer and Information Technology",
    "FC": "Financial Cryptography and Data Security",
    "FUSION": "International Conference on Information Fusion | ISIF FUSION",
    "CVC": "Computer Vision Conference",
    "FTC": "Future Technologies Conference",
    "IC3K": "Knowledge Discovery Knowledge Engineering and Knowledge Management",
    "VMV": "Vision Modeling and Visualization",
    "ACM BCB": "ACM-BCB | Bioinformatics Computational Biology and Health Informatics",
    "AIAA SciTech": "SciTech | AIAA SciTech Forum",
    "STIDS": "Semantic Technology for Intelligence Defense and Security",
    "ICICT": "International Congress on Information and Communication Technology",
    "IST": "IEEE IST",
    "ICDL": "Development and Learning",
    "ICPM": "International Conference on Process Mining",
    "PEARC": "",
    "CHASE": "IEEE/ACM CHASE",
    "IRI": "Information Reuse and Integration for Data Science",
    "ICCE": "International Conference on Consumer Electronics",
    "CS&Law": "Symposium on Computer Science and Law",
    "CODS": "CODS-COMAD",
    "IWAIPR": "",
    "ICCVDM": "",
    "ACDSA": "",
    "IWCMC": "",
    "JURISIN": "",
    "SBCAS": "",
    "IAVVC": "",
    "ISEA": "",
    "INDISCON": "",
    "MAPR": "",
    "QPAIN": "",
    "ICCCNT": "Computing Communication and Networking Technologies",
    "ICEIC": "",
    "AAIML": "",
    "ISEDA": "",
    "IPRIA": "",
    "EDHPC": "",
    "HSI": "International Conference on Human System Interaction",
    "CAADRIA": "",
    "SEMISH": "",
    "ICWS": "International Conference on Web Services",
    "SEKE": "Software Engineering and Knowledge Engineering",
    "CCNC": "Consumer Communications and Networking Conference",
    "NCC": "National Conference on Communications",
    "Asilomar": "Asilomar Conference on Signals Systems and Computers",
    "MIPR": "Multimedia Information Processing and Retrieval",
    "ETFA": "Emerging Technologies and Factory Automation",
    "NER": "IEEE/EMBS NER | Neural Engineering Conference",
    "IDEAL": "Intelligent Data Engineering and Automated Learning",
    "LDK": "Conference on Language Data and Knowledge",
    "PSIVT": "Pacific-Rim Symposium on Image and Video Technology",
    "ICAPAI": "",
    "AIROV": "",
    "URTC": "",
    "SIGMETRICS": "",
    "RuleML+RR": "Rules and Reasoning | RuleML",
    "KSEM": "Knowledge Science Engineering and Management",
    "MDAI": "Modeling Decisions for Artificial Intelligence",
    "EICS": "Engineering Interactive Computing Systems",
    "STAG": "Smart Tools and Applications in Graphics",
    "ICKG": "International Conference on Knowledge Graph",
    "EWSN": "Embedded Wireless Systems and Networks",
    "IZS": "International Zurich Seminar on Information and Communication",
}  # fmt: skip

# Workshops that are venues by themselves, most of them in the ACL Anthology; the meeting that hosts them is named rather than these.
WORKSHOPS: Mapping[str, str] = {
    "BEA": "Innovative Use of NLP for Building Educational Applications | Building Educational Applications",
    "BioNLP": "BioNLP Workshop | Workshop on BioNLP and Shared Tasks | Biomedical Natural Language Processing",
    "ArgMining": "Workshop on Argument Mining",
    "GeBNLP": "Gender Bias in Natural Language Processing",
    "WOAH": "Workshop on Online Abuse and Harms",
    "NLLP": "Natural Legal Language Processing",
    "CLPsych": "Computational Linguistics and Clinical Psychology",
    "SIGMORPHON": "",
    "RepL4NLP": "",
    "BlackboxNLP": "",
    "CMCL": "Cognitive Modeling and Computational Linguistics",
    "LChange": "Computational Approaches to Historical Language Change",
    "AfricaNLP": "",
    "ArabicNLP": "Arabic Natural Language Processing Conference",
    "DravidianLangTech": "",
    "WASSA": "",
    "TrustNLP": "",
    "NLP4DH": "Natural Language Processing for Digital Humanities",
    "LoResMT": "",
    "LoResLM": "",
    "VarDial": "",
    "CODI": "Computational Approaches to Discourse",
    "CRAC": "Computational Models of Reference Anaphora and Coreference",
    "LaTeCH-CLfL": "LaTeCH",
    "FEVER": "",
    "TextGraphs": "",
    "SDP": "Scholarly Document Processing",
    "IWCLUL": "Computational Linguistics for Uralic Languages",
    "ClimateNLP": "",
    "UNLP": "Ukrainian Natural Language Processing",
    "PoliticalNLP": "",
    "SlavicNLP": "Slavic NLP | Slavic Natural Language Processing",
    "AmericasNLP": "",
    "ComputEL": "",
    "NLP4ConvAI": "",
    "PrivateNLP": "",
    "IberLEF": "Iberian Languages Evaluation Forum",
    "EarthVision": "",
}  # fmt: skip

# Names that are also words or other things: they count only beside a year, a society or a word of acceptance.
_WEAK_WORDS = (
    "acc aes agi aij aim alt amia ase assets bea cai cars case cc ccs cdc cec chase chi chil clear clima cluster cods "
    "cp crac cui cvc cvm dac dami das date dcc dh dis dsp ec ecc ecml edm electronics fc fever fg fie fse ftc fusion "
    "hpg hri hsi ht humanoids icc icce icmc icon ics ida ideal ifac information interact ipm iri isca isea isprs ist "
    "iv iva jasa jei jmi kbs ki kr lak log mathematics micro middleware mig mm mmm mrs mva nature ner neus odyssey "
    "patterns pcs pr prima prl raid ral ram re rss sac sat sc sca sdp sensors siga slt smc soda spl ssp ssw tai tbc "
    "tbd tc tce tcom tei tfr tfs tg tie tii tim tip tit tmi tmm tro tse tsp vis vr wine wise xai media semantics stag "
)
_ORDINARY_WORDS = (
    "aim alife alt assets bioinformatics cars case cec chase chi clear clima cluster dami das date dis ease "
    "electronics eniac fever flairs focs fusion grapp hpg humanoids icon ideal information interact log mathematics "
    "micro middleware mig mm nature neurocomputing neus nips oakland odyssey patterns pets pr prima raid ral ram re "
    "roman rss sat scil sensors soda stoc tie tim tip vis whispers wine wise www media semantics stag "
)
_ORDINARY_TERMS = (
    "ai ethics society|ai finance|algorithmic learning theory|applications computer vision|applied energy|"
    "applied intelligence|applied sciences|applied soft computing|artificial general intelligence|"
    "artificial intelligence|artificial intelligence education|artificial intelligence law|"
    "artificial intelligence medicine|artificial neural networks|association computational linguistics|"
    "automated planning scheduling|automation construction|autonomous robots|big data|biometrics forensics|"
    "case based reasoning|causal learning reasoning|cognitive science|computational linguistics|"
    "computational visual media|computer speech language|computers accessibility|computers graphics|"
    "creativity cognition|digital audio effects|digital signal processing|distributed computing systems|"
    "document analysis systems|educational data mining|explainable artificial intelligence|"
    "fairness accountability transparency|foundations computer science|humanoid robots|image analysis processing|"
    "image vision computing|information fusion|information knowledge management|information retrieval asia pacific|"
    "information sciences|intelligent robots systems|intelligent vehicles|knowledge capture|"
    "language resources evaluation|learning dynamics control|learning scale|lifelong learning agents|machine learning|"
    "machine learning health|machine learning healthcare|machine learning science technology|machine learning systems|"
    "machine vision applications|management data|medical image analysis|mixed augmented reality|multimedia expo|"
    "multimedia systems|natural language engineering|nature methods|neural computation|neural networks|"
    "neuro symbolic systems|pattern recognition|privacy enhancing technologies|"
    "recent advances natural language processing|remote sensing|robotics science systems|scientific data|"
    "signal processing|social robotics conference|speech communication|spoken dialogue systems|"
    "theory information retrieval|visual computer|visual intelligence|web conference|web social media|"
)
_WEAK = frozenset(_WEAK_WORDS.split())
_PLAIN_WORDS = frozenset(_ORDINARY_WORDS.split())
_PLAIN_JOURNALS = frozenset(filter(None, _ORDINARY_TERMS.split("|")))
_SMALL = frozenset(("a", "an", "and", "for", "from", "in", "of", "on", "the"))
_OTHERS = (  # what begins with a venue's name and is none
    "ACL Anthology", "ACL ARR", "ACL Rolling Review", "ACM Digital Library", "IEEE Xplore", "ICLR blog format",
    "AAAI Press", "ACL style", "ACL format", "CVPR style", "CVPR format", "IEEE format", "ACL Portal",
    "EMNLP style", "ICML style", "ICLR style", "NeurIPS style", "ACL template", "CVPR template", "NeurIPS template",
    "Nature portfolio", "Springer Nature", "Nature Scientific Data archive", "Signal Processing Society",
    "Lecture Notes in Artificial Intelligence", "Lecture Notes in Computer Science", "Information Systems Research",
    "Proceedings of Machine Learning Research", "Machine Learning Research", "KDD Cup", "VR headset",
)  # fmt: skip

_WORD = re.compile(r"[^\W\d_]+|\d+|&|\*(?=[A-Z])|@")
_CAPITALS = re.compile(r"[A-Z][\d&]?[A-Z]")
_NUMBERED = re.compile(r"\d(?!\d)|\d{3}(?!\d)")  # IMC2: not IMC, nor one of its years
_CLOSED = re.compile(r"[^\s,./&:'*@-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueMention:
    """A venue's name in a text, from `start` to `end`. `weak` names need more than themselves to be believed; `suffix`
    is "workshop" for a form such as CVPRW, "findings" for CVPRF, "own" for a
    workshop of `WORKSHOPS`."""

    venue: str
    start: int
    end: int
    journal: bool = False
    weak: bool = False
    acronym: bool = True
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    venue: str
    journal: bool
    key: str
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class _Word:
    key: str
    text: str
    start: int
    end: int


def _words(text: str) -> list[_Word]:
    return [
        _Word(key, m[0], m.start(), m.end())
        for m in _WORD.finditer(text)
        if (key := m[0].casefold()) not in _SMALL and key != "&"
    ]


def _entries() -> Iterator[tuple[str, _Entry]]:
    for table, journal in ((CONFERENCES, False), (JOURNALS, True)):
        for venue, aliases in table.items():
            for alias in (venue, *filter(None, aliases.split(" | "))):
                key = " ".join(word.key for word in _words(alias))
                yield key, _Entry(venue, journal, key)
    for venue, aliases in WORKSHOPS.items():
        for alias in (venue, *filter(None, aliases.split(" | "))):
            key = " ".join(word.key for word in _words(alias))
            yield key, _Entry(venue, False, key, "own")
    for venue in ("CVPR", "ICCV", "ECCV", "WACV", "BMVC", "AAAI", "ACCV", "MICCAI", "ICCP", "ICME", "ICDM", "ICASSP"):
        for end, suffix in (("w", "workshop"), ("ws", "workshop"), ("f", "findings"), (" w", "workshop")):
            key = f"{venue.lower()}{end}"
            yield key, _Entry(venue, False, key, suffix)
    for other in _OTHERS:
        key = " ".join(word.key for word in _words(other))
        yield key, _Entry("", False, key)


def _abbreviated() -> Iterator[tuple[str, _Entry]]:
    """All names, and the longer ones with "AI" for artificial intelligence."""
    for key, entry in _entries():
        yield key, entry
        short = key.replace("artificial intelligence", "ai")
        if short != key and len(short.split()) > 2:
            yield short, entry


def _index() -> tuple[dict[str, _Entry], frozenset[str]]:
    """Every name by its words, and all beginnings of names."""
    names = dict(reversed(list(_abbreviated())))  # of two venues with one alias, the first counts
    begins = {" ".join(key.split()[:n]) for key in names for n in range(1, len(key.split()) + 1)}
    return names, frozenset(begins)


_NAMES, _BEGINS = _index()


def _telling() -> frozenset[str]:
    """Words of which every venue's name has one: of each name, the one that the fewest others have."""
    names = [_LETTERS.findall(key) for key, entry in _NAMES.items() if entry.venue]
    counts = Counter(word for words in names for word in set(words))
    return frozenset(min(words, key=lambda word: (counts[word], word)) for words in names)


_LETTERS = re.compile(r"[^\W\d_]+")
_TELLING = _telling()


def venue_mentions(text: str) -> list[VenueMention]:
    """The venues that a text names, in order; time is linear in its length."""
    if _TELLING.isdisjoint(_LETTERS.findall(text.casefold())):
        return []  # most comments, and far quicker
    words = _words(text)
    found: list[VenueMention] = []
    at = 0
    while at < len(words):
        entry, count = _longest(text, words, at)
        if entry is None:
            at += 1
            continue
        for later in range(at + 1, at + count):  # "International Conference on" Computer Vision and Pattern Recognition
            other, more = _longest(text, words, later)
            if other is not None and later + more > at + count:
                entry, at, count = other, later, more
                break
        first, last = words[at], words[at + count - 1]
        if entry.venue and (mention := _mention(text, entry, first, last)):
            found.append(mention)
        at += count
    return found


def _longest(text: str, words: list[_Word], at: int) -> tuple[_Entry | None, int]:
    best: tuple[_Entry | None, int] = (None, 0)
    key = ""
    for n, word in enumerate(words[at : at + 24], 1):
        if n > 1 and _CLOSED.search(_without_small(text[words[at + n - 2].end : word.start])):
            break
        key = f"{key} {word.key}" if key else word.key
        if key not in _BEGINS:
            break
        if key in _NAMES:
            best = _NAMES[key], n
    return best


def _without_small(gap: str) -> str:
    return "".join(part for part in gap.split(" ") if part.casefold() not in _SMALL)[:40]


def _mention(text: str, entry: _Entry, first: _Word, last: _Word) -> VenueMention | None:
    single = " " not in entry.key
    written = text[first.start : last.end]
    if single and not _as_name(written, entry.key):
        return None
    if not single and written.islower() and entry.key in _PLAIN_JOURNALS:
        return None
    before, after = text[first.start - 1 : first.start], text[last.end : last.end + 1]
    hosted = re.search(r"[A-Za-z]4$", text[max(0, first.start - 2) : first.start]) is not None  # DGM4MICCAI
    if before.isalpha() or after.isalpha() or (hosted and entry.key in _WEAK):
        return None
    if _NUMBERED.match(text, last.end):
        return None
    if single and ((before and before in "#_/\\-" and entry.key in _WEAK) or "_" in (before, after)):
        return None
    return VenueMention(
        venue=entry.venue,
        start=first.start,
        end=last.end,
        journal=entry.journal,
        weak=entry.key in (_WEAK if single else _PLAIN_JOURNALS) or entry.key in _PLAIN_WORDS,
        acronym=single or (len(written) < 14 and _CAPITALS.search(written) is not None),
        suffix="workshop" if hosted else entry.suffix,
    )


def _as_name(written: str, key: str) -> bool:
    """Whether one word is written as a name: short ones and ordinary words in capitals or as the venue writes them."""
    if any(c.isupper() for c in written[1:]):
        return True
    if key in _PLAIN_WORDS or len(key) <= 3:
        return written in CONFERENCES or written in JOURNALS
    return True
