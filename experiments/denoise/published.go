package denoise

// What the paper reports: its Table 1, and the test curves of its figures at
// some epochs, read from their vector graphics.
type published struct {
	label       string
	train, test float64      // Table 1
	curve       [][2]float64 // epoch and test MSE
}

var paper = map[string]published{
	"fc": {
		label: "fully connected", train: 18.5, test: 29.8,
		curve: [][2]float64{{5, 42.6}, {10, 39.3}, {50, 32.0}, {100, 29.7}, {152, 28.76}, {200, 29.75}},
	},
	"learn-d": {
		label: "OptNet, D learned from nothing", train: 52.9, test: 53.3,
		curve: [][2]float64{{0, 1659.8}, {1, 112.8}, {5, 76.8}, {20, 69.4}, {50, 53.3}},
	},
	"tv": {label: "total variation", train: 16.3, test: 16.5},
	"tuned": {
		label: "OptNet, tuned from total variation", train: 13.8, test: 14.4,
		curve: [][2]float64{{0, 16.009}, {1, 15.854}, {5, 15.376}, {10, 15.081}, {20, 14.730}, {30, 14.542}, {40, 14.487}, {50, 14.391}},
	},
}

// paperTV is the paper's test MSE of total variation by λ. Its solver had not
// converged: the exact minimum is elsewhere, and lower.
var paperTV = [][2]float64{
	{0, 99.775}, {1, 80.61}, {2, 64.56}, {5, 32.68}, {10, 17.48}, {12, 16.56}, {13, 16.504},
	{14, 16.58}, {15, 16.73}, {20, 18.13}, {25, 19.39}, {50, 21.14}, {100, 21.75},
}
