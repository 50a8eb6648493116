"""Offline HTML pages: Python that draws arrays, and the templates, styles and scripts it fills; computes nothing."""
