* want: line 7, column 7: a tab has no place in the fixed format, whose fields stand in columns: use blanks (fields are taken from fixed columns since line 5, whose names contain blanks)
NAME X
ROWS
 N  OBJ
 L  R 1
COLUMNS
    X1	R 1	1.0
ENDATA
