"""The programs of runnable and test targets, one a module: the function of its name carries out the command line."""
