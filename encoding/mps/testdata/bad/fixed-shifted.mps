* want: line 8, column 13: '7' stands between two fields, want a blank: fixed fields are columns 2–3, 5–12, 15–22, 25–36, 40–47, 50–61 (fields are taken from fixed columns since line 5, whose names contain blanks)
NAME X
ROWS
 N  OBJ
 L  R 1
COLUMNS
    X1         R 1              1.0
     X12345678 R 1              1.0
ENDATA
