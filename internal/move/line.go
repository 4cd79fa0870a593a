package move

// AppendLine appends a row of a text answer, of that many columns, as LOAD DATA reads it with CHARACTER SET binary.
func AppendLine(buf, row []byte, columns int) ([]byte, error) { return line(buf, row, columns) }
