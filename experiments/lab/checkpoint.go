package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/encoding/npz"
)

// A checkpoint is a .npz file: the parameters of a network by their names, the
// state of the optimizer, and these two arrays of bytes, which are JSON. Where the
// parameters are not those that training goes on from (they are a mean over steps,
// or of an earlier epoch), those are there too, in a folder of the archive.
const (
	entryJob     = "job.json"     // a Key
	entryHistory = "history.json" // the epochs until here
	entryOn      = "on/"          // where training goes on from
)

// Key is what must be the same for a training to go on as if it had never
// been stopped.
type Key struct {
	Format     string  `json:"format"`
	Experiment string  `json:"experiment"`
	Net        string  `json:"net"`
	Seed       uint64  `json:"seed"`
	Batch      int     `json:"batch"`
	LR         float64 `json:"lr"`
	// Decay is the number of epochs in which the learning rate falls to 0, or 0.
	Decay int    `json:"decay"`
	Data  string `json:"data_sha256"`
	Other string `json:"other,omitempty"` // what else the experiment says
}

const checkpointFormat = "optnet checkpoint 2"

// CheckpointFile is the name of the checkpoint of a network.
func CheckpointFile(net string) string { return net + ".npz" }

// save writes the checkpoint of a training: all variables, and the epochs until
// here. The parameters are those that count, or nil where training goes on from
// them. Parameters that are no numbers are an error, and leave the file as it was.
func (n *Network) save(dir Folder, key Key, history []Epoch, counts []*tensors.Tensor) error {
	if dir == "" {
		return nil
	}
	key.Format = checkpointFormat
	return dir.Write(CheckpointFile(key.Net), func(w io.Writer) error {
		z := npz.NewWriter(w, false)
		for name, v := range map[string]any{entryJob: key, entryHistory: history} {
			text, err := json.Marshal(v)
			if err == nil {
				err = z.Write(name, &npz.Array{Shape: []int{len(text)}, Data: text})
			}
			if err != nil {
				return err
			}
		}
		put := func(v *model.Variable, entry string, t *tensors.Tensor, err error) error {
			var a *npz.Array
			if err == nil {
				a, err = arrayOf(t)
			}
			if err == nil {
				err = z.Write(entry, a)
			}
			if err != nil {
				return fmt.Errorf("variable %s: %w", v.Path(), err)
			}
			return nil
		}
		for v := range n.Vars.store.IterVariables() {
			t, err := v.Value()
			entry := entryOf(v)
			if i := slices.Index(n.Vars.all, v); i >= 0 && counts != nil {
				if err := put(v, entry, counts[i], nil); err != nil {
					return err
				}
				entry = entryOn + entry
			}
			if err := put(v, entry, t, err); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

// finite returns an error if a parameter is no number.
func (n *Network) finite() error {
	for _, v := range n.Vars.all {
		x, err := n.Parameter(v.Name())
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(x, func(v float64) bool { return v-v != 0 }); i >= 0 {
			return fmt.Errorf("parameter %s is %v at position %d", v.Name(), x[i], i)
		}
	}
	return nil
}

// unsigned marks the entry of a variable of uint64, a type that the format has
// not: its bits are kept as int64.
const unsigned = ".uint64"

// entryOf is the name of a variable in the file.
func entryOf(v *model.Variable) string {
	name := strings.TrimPrefix(v.Path(), "/")
	if v.DType() == dtypes.Uint64 {
		name += unsigned
	}
	return name
}

func arrayOf(t *tensors.Tensor) (a *npz.Array, err error) {
	a = &npz.Array{Shape: t.Shape().Dimensions}
	switch t.DType() {
	case dtypes.Float64:
		a.Data, err = flat[float64](t)
	case dtypes.Float32:
		a.Data, err = flat[float32](t)
	case dtypes.Int64:
		a.Data, err = flat[int64](t)
	case dtypes.Uint64:
		var x []uint64
		x, err = flat[uint64](t)
		bits := make([]int64, len(x))
		for i, v := range x {
			bits[i] = int64(v)
		}
		a.Data = bits
	default:
		err = fmt.Errorf("numbers of type %s", t.DType())
	}
	return a, err
}

func flat[T float64 | float32 | int64 | uint64](t *tensors.Tensor) (x []T, err error) {
	err = tensors.ConstFlatData(t, func(data []T) { x = slices.Clone(data) })
	return x, err
}

func tensorOf(a *npz.Array, unsigned bool) (*tensors.Tensor, error) {
	switch x := a.Data.(type) {
	case []float64:
		return tensors.FromFlatDataAndDimensions(x, a.Shape...), nil
	case []float32:
		return tensors.FromFlatDataAndDimensions(x, a.Shape...), nil
	case []int64:
		if unsigned {
			bits := make([]uint64, len(x))
			for i, v := range x {
				bits[i] = uint64(v)
			}
			return tensors.FromFlatDataAndDimensions(bits, a.Shape...), nil
		}
		return tensors.FromFlatDataAndDimensions(x, a.Shape...), nil
	}
	return nil, fmt.Errorf("numbers of type %T", a.Data)
}

// resume goes back to the checkpoint of key.Net in a folder, if there is one. It
// returns the epochs until there, and the parameters that count, or nil where
// training goes on from them. A checkpoint of another training is refused.
func (n *Network) resume(dir Folder, key Key) (history []Epoch, counts []*tensors.Tensor, err error) {
	name := dir.Join(CheckpointFile(key.Net))
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	c, err := readCheckpoint(name)
	if err != nil {
		return nil, nil, err
	}
	key.Format = checkpointFormat
	if c.key != key {
		return nil, nil, &FileError{File: name, Err: fmt.Errorf("the training there was another one: it had %s; give the same flags, or leave out --resume to start again", differs(c.key, key))}
	}
	if counts, err = c.split(n.Vars.all); err == nil {
		err = c.restore(n.Vars.store, func(*model.Variable) bool { return true })
	}
	if err != nil {
		return nil, nil, &FileError{File: name, Err: err}
	}
	return c.history, counts, nil
}

// split takes the parameters that count out of the arrays, where training goes on
// from others, which get their names.
func (c *checkpoint) split(all []*model.Variable) (counts []*tensors.Tensor, err error) {
	for _, v := range all {
		on, a := c.arrays[entryOn+v.Name()], c.arrays[v.Name()]
		if on == nil {
			continue
		}
		if a == nil {
			return nil, fmt.Errorf("parameter %s is missing", v.Name())
		}
		t, err := tensorOf(a, false)
		if err == nil && !t.Shape().Equal(v.Shape()) {
			err = fmt.Errorf("the shape is %s, want %s", t.Shape(), v.Shape())
		}
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", v.Name(), err)
		}
		counts = append(counts, t)
		c.arrays[v.Name()] = on
		delete(c.arrays, entryOn+v.Name())
	}
	if counts != nil && len(counts) != len(all) {
		return nil, fmt.Errorf("%d of the %d parameters are there twice, want all or none", len(counts), len(all))
	}
	return counts, nil
}

// A checkpoint as read.
type checkpoint struct {
	key     Key
	history []Epoch
	arrays  map[string]*npz.Array
}

// readCheckpoint reads a file. Its error wraps fs.ErrNotExist if there is none.
func readCheckpoint(name string) (*checkpoint, error) {
	arrays, err := npz.ReadFile(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, &FileError{File: name, Err: fmt.Errorf("the checkpoint cannot be read (%w): train again", unnamed(name, err))}
	}
	c := &checkpoint{arrays: arrays}
	for entry, v := range map[string]any{entryJob: &c.key, entryHistory: &c.history} {
		text := []byte(nil)
		if a := arrays[entry]; a != nil {
			text, _ = a.Data.([]uint8)
		}
		if err := json.Unmarshal(text, v); err != nil {
			return nil, &FileError{File: name, Err: fmt.Errorf("this is no checkpoint: its entry %s is missing or damaged (%w)", entry, err)}
		}
		delete(arrays, entry)
	}
	if c.key.Format != checkpointFormat {
		return nil, &FileError{File: name, Err: fmt.Errorf("the checkpoint has the format %q, want %q: train again", c.key.Format, checkpointFormat)}
	}
	for i, e := range c.history {
		if e.Epoch != i {
			return nil, &FileError{File: name, Err: fmt.Errorf("this is no checkpoint: epoch %d stands in place of epoch %d", e.Epoch, i)}
		}
	}
	if len(c.history) == 0 {
		return nil, &FileError{File: name, Err: errors.New("this is no checkpoint: it has no epoch")}
	}
	return c, nil
}

// load sets the parameters.
func (n *Network) load(c *checkpoint) error {
	for _, v := range n.Vars.all {
		a := c.arrays[v.Name()]
		if a == nil {
			return fmt.Errorf("parameter %s is missing", v.Name())
		}
		if !slices.Equal(a.Shape, v.Shape().Dimensions) {
			return fmt.Errorf("parameter %s has shape %v, want %v", v.Name(), a.Shape, v.Shape().Dimensions)
		}
		x, err := a.Float64s()
		if err != nil {
			return fmt.Errorf("parameter %s: %w", v.Name(), err)
		}
		if i := slices.IndexFunc(x, func(v float64) bool { return v-v != 0 }); i >= 0 {
			return fmt.Errorf("parameter %s is %v at position %d: the training has diverged", v.Name(), x[i], i)
		}
	}
	return c.restore(n.Vars.store, func(v *model.Variable) bool { return v != nil && slices.Contains(n.Vars.all, v) })
}

// restore sets variables, those wanted; what a store has not yet is nil.
func (c *checkpoint) restore(store *model.Store, wanted func(*model.Variable) bool) error {
	for entry, a := range c.arrays {
		name, isUnsigned := strings.CutSuffix(entry, unsigned)
		v := store.GetVariable("/" + name)
		if !wanted(v) {
			continue
		}
		t, err := tensorOf(a, isUnsigned)
		if err != nil {
			return fmt.Errorf("variable %s: %w", name, err)
		}
		switch {
		case v == nil: // the optimizer has not been built yet
			dir, base := path.Split("/" + name)
			store.Scope(path.Clean(dir)).VariableWithValue(base, t).SetTrainable(false)
		case !v.Shape().Equal(t.Shape()):
			return fmt.Errorf("variable %s has shape %s, want %s", name, t.Shape(), v.Shape())
		default:
			if err := v.SetValue(t); err != nil {
				return fmt.Errorf("variable %s: %w", name, err)
			}
		}
	}
	return nil
}

// Load reads the network of a checkpoint that a training of an experiment wrote,
// and what is known of that training.
func Load(name, experiment string, dtype dtypes.DType, build func(*Vars) Net) (*Network, Key, []Epoch, error) {
	c, err := readCheckpoint(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = &FileError{File: name, Err: fmt.Errorf("%w: want a folder that a training wrote, such as: optnet train %s --out %s", Bare(err), experiment, filepath.Dir(name))}
		}
		return nil, Key{}, nil, err
	}
	if c.key.Experiment != experiment {
		return nil, Key{}, nil, &FileError{File: name, Err: fmt.Errorf("the checkpoint is of the experiment %q, want %q", c.key.Experiment, experiment)}
	}
	backend, err := NewBackend("")
	if err != nil {
		return nil, Key{}, nil, err
	}
	n, err := NewNetwork(backend, dtype, c.key.Seed, c.key.LR, build)
	if err == nil {
		err = n.load(c)
	}
	if err != nil {
		return nil, Key{}, nil, &FileError{File: name, Err: err}
	}
	return n, c.key, c.history, nil
}
