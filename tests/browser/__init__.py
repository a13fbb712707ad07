"""The notebooks in JupyterLab in a real browser, as a learner sees them."""
