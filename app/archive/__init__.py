"""The archive of very many papers: building it, on one machine or many, and asking it. What it is: docs/scale.md."""
