"""The dashboard's pages. Each file is run by Streamlit as a page, and only asks, shows and remembers in the address."""
