"""Groups of commands of ``ravenstvo``; each is thin, the work is done by the modules that it names."""
