"""The saved thing: Network, Data, Recipe, Experiment, Execution; how they are read, and the edits that change them."""
