"""Analyses as pictures: funnels and flows of our own, charts by Vega-Lite."""
