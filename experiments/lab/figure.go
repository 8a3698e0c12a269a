package lab

import (
	"math"
	"strconv"
)

// Figure is a number that may be missing: NaN, which is null in JSON and empty
// in a table.
type Figure float64

// None is the missing number.
var None = Figure(math.NaN())

// Known reports whether there is a number.
func (f Figure) Known() bool { return f == f }

// IsZero reports whether the number is missing: fields tagged omitzero are then
// left out.
func (f Figure) IsZero() bool { return !f.Known() }

// String is empty for a missing number.
func (f Figure) String() string {
	if !f.Known() {
		return ""
	}
	return strconv.FormatFloat(float64(f), 'g', -1, 64)
}

// Percent is a share in percent.
func (f Figure) Percent() string {
	if !f.Known() {
		return "unknown"
	}
	return strconv.FormatFloat(100*float64(f), 'g', 4, 64) + " %"
}

// MarshalJSON writes null for a missing number.
func (f Figure) MarshalJSON() ([]byte, error) {
	if f-f != 0 { // infinite too: JSON has no word for it
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(f), 'g', -1, 64), nil
}

// UnmarshalJSON is the inverse.
func (f *Figure) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*f = None
		return nil
	}
	v, err := strconv.ParseFloat(string(text), 64)
	*f = Figure(v)
	return err
}

// Ratio is x/n, or missing if n is 0.
func Ratio(x float64, n int) Figure {
	if n == 0 {
		return None
	}
	return Figure(x / float64(n))
}
