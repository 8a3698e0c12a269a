* want: line 8, column 1, section: "RHS" comes before COLUMNS, want it after
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
RHS
    RHS       R1               4.0   R2               1.0
ENDATA
