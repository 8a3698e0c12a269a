package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/encoding/npz"
	"github.com/optnet-go/optnet/sparse"
)

// runPeers hands the QP of a file to peers.py as arrays.
func runPeers(ctx context.Context, o *options, file string) []peer {
	p, err := mps.ReadFile(file)
	if err != nil {
		return nil
	}
	arrays := map[string]*npz.Array{
		"c": vector(p.C), "rl": vector(p.RowLower), "ru": vector(p.RowUpper), "l": vector(p.Lower), "u": vector(p.Upper),
		"constant": {Data: []float64{p.Constant}},
	}
	put := func(name string, a *sparse.CSC, rows, cols int) {
		if a == nil {
			a = &sparse.CSC{ColPtr: make([]int, cols+1)}
		}
		arrays[name+"p"], arrays[name+"i"], arrays[name+"x"] = indices(a.ColPtr), indices(a.RowIdx), vector(a.Val)
		arrays[name+"shape"] = indices([]int{rows, cols})
	}
	put("A", p.A, len(p.Rows), len(p.Cols))
	put("Q", p.Q, len(p.Cols), len(p.Cols))
	name := filepath.Join(o.work, "problem.npz")
	if err := npz.WriteFile(name, arrays); err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*o.limit+30*time.Second) // PIQP has no limit of its own
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, o.peers, "bench/suites/peers.py", name, fmt.Sprint(o.limit.Seconds()))
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
	}
	var all []peer
	for in := bufio.NewScanner(&out); in.Scan(); {
		var p peer
		if json.Unmarshal(in.Bytes(), &p) == nil {
			all = append(all, p)
		}
	}
	return all
}

func vector(x []float64) *npz.Array {
	if x == nil {
		x = []float64{}
	}
	return &npz.Array{Shape: []int{len(x)}, Data: x}
}

func indices(x []int) *npz.Array {
	d := make([]int64, len(x))
	for i, v := range x {
		d[i] = int64(v)
	}
	return &npz.Array{Shape: []int{len(x)}, Data: d}
}
