* want: line 2, column 1, section: "\x01\x02\x03\x7fELF" is no section; want NAME, OBJSENSE, OBJNAME, ROWS, COLUMNS, RHS, RANGES, BOUNDS, QUADOBJ, QMATRIX or ENDATA (data lines begin with a blank)
ELF
