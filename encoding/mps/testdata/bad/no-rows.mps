* want: line 3, column 1, section: "COLUMNS" comes before ROWS, want it after
NAME X
COLUMNS
    X1        OBJ              1.0   R1               1.0
    X1        R2               1.0
    X2        R2               1.0   R3               2.0
ENDATA
