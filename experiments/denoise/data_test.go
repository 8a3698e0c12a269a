package denoise

import (
	"math"
	"testing"

	"github.com/optnet-go/optnet/experiments/lab"
)

// TestPaperData: the noise of the paper's data, as its figure has it at λ = 0,
// and what exact total variation comes to on them.
func TestPaperData(t *testing.T) {
	s := Generate(0, 10000)
	train, test := s.part(0, 9000), s.part(9000, 10000)
	for _, c := range []struct{ got, want float64 }{{mse(test.X, test.Y), 99.77487}, {mse(train.X, train.Y), 100.02658}} {
		if math.Abs(c.got-c.want) > 1e-5 {
			t.Errorf("noise %.6f, want %.5f", c.got, c.want)
		}
	}
	if got, want := s.hash(), "9d2fc8bf30e792b45014adcb5dece7ac218169af7546878674fd7b23d36b16fc"; got != want {
		t.Errorf("the data have the SHA-256 %s, want %s", got, want)
	}
	for _, c := range []struct{ lambda, want float64 }{
		{0, 99.77487}, {13, 18.467}, {20, 15.936}, {21.1, 15.9035}, {21.21, 15.9037}, {25, 16.226}, {50, 25.17}, {100, 53.07},
	} {
		if got := test.tvMSE(c.lambda); math.Abs(got-c.want) > 1e-4*c.want {
			t.Errorf("λ = %v: test MSE %v, want %v", c.lambda, got, c.want)
		}
	}
	r := sweep(train, test)
	if r.Lambda != 21.1 || math.Abs(float64(r.TestMSE)-15.9035) > 5e-5 || math.Abs(float64(r.TrainMSE)-15.7328) > 5e-5 {
		t.Errorf("the best λ is %v with test MSE %v, train MSE %v", r.Lambda, r.TestMSE, r.TrainMSE)
	}
	if len(r.Lambdas) != 101 || r.TestMSEs[13] != lab.Figure(test.tvMSE(13)) {
		t.Errorf("%d values of λ", len(r.Lambdas))
	}
}
