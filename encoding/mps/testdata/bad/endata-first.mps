* want: line 3, column 1, section: "ENDATA" comes before COLUMNS, want it after
NAME X
ENDATA
