* want: line 9, column 28, marker: "'MARKER'" begins integer variables: they need a mixed-integer solver. Without the MARKER lines the file is its continuous relaxation
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
COLUMNS
    MARKER                 'MARKER'                 'INTORG'
    X1        OBJ              1.0   R1               1.0
    X1        R2               1.0
    X2        R2               1.0   R3               2.0
ENDATA
