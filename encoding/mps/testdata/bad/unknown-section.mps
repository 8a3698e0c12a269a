* want: line 12, column 1, section: "PRICES" is no section; want NAME, OBJSENSE, OBJNAME, ROWS, COLUMNS, RHS, RANGES, BOUNDS, QUADOBJ, QMATRIX or ENDATA (data lines begin with a blank)
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
COLUMNS
    X1        OBJ              1.0   R1               1.0
    X1        R2               1.0
    X2        R2               1.0   R3               2.0
PRICES
ENDATA
