* want: line 14, column 1, section: "SOS" is refused: special ordered sets need a mixed-integer solver
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
RHS
    RHS       R1               4.0   R2               1.0
SOS
 S1 SOS       SOS1
ENDATA
