"""The sections of the report, one module each: ``MARTS`` names what it reads, ``section`` makes it."""
