* want: line 7, column 2, field 1 (type): "UP" has no meaning in COLUMNS, want blanks in columns 2–3 (fields are taken from fixed columns since line 5, whose names contain blanks)
NAME X
ROWS
 N  OBJ
 L  R 1
COLUMNS
 UP X1        R 1              1.0
ENDATA
