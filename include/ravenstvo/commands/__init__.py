"""The commands of the command line by groups. Every command is thin: the work is done by the module that it names."""
