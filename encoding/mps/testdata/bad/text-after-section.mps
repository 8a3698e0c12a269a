* want: line 8, column 9: "X1" follows the section's name, want nothing there
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
COLUMNS X1
ENDATA
