"""What the browser fetches beside Streamlit's own: identity, live numbers of a run, and the bundles that draw them."""
