* want: line 14, column 15, row: "R1" is not the objective "OBJ": quadratic constraints are not part of a QP, write the problem as a cone program (CBF)
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
QSECTION      R1
    X1        X2               1.0
ENDATA
