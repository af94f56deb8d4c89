"""Layerlab without a browser: designs, analysis, source, data, training. Never imports streamlit."""
