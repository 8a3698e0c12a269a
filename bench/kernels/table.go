// Command table turns the output of the benchmarks of internal/dense into rows
// of the table that _c/kernels.c prints, the best of several runs in each cell.
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	line = regexp.MustCompile(`^Benchmark(\w+)/(?:(\w[\w-]*)/)?n=(\d+)\S*\s.*?([\d.]+) GFLOP/s`)
	peak = regexp.MustCompile(`^BenchmarkPeak\S*\s.*?([\d.]+) GFLOP/s`)
	rows = [][2]string{{"Syrk", "AᵀDA"}, {"GemmTN", "AᵀB"}, {"Cholesky", "Cholesky"}, {"Solve", "two solves"}, {"SolveUTMany", "n solves"}, {"Gemv", "Ax"}}
)

func main() {
	best := make(map[string]map[int]float64)
	var sets []string
	var sizes []int
	top := 0.0
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if m := peak.FindStringSubmatch(in.Text()); m != nil {
			f, _ := strconv.ParseFloat(m[1], 64)
			top = max(top, f)
		}
		m := line.FindStringSubmatch(in.Text())
		if m == nil || strings.HasSuffix(m[2], "-wide") { // a set for tests alone
			continue
		}
		n, _ := strconv.Atoi(m[3])
		f, _ := strconv.ParseFloat(m[4], 64)
		key := m[1] + "/" + m[2]
		if best[key] == nil {
			best[key] = make(map[int]float64)
		}
		best[key][n] = max(best[key][n], f)
		if !slices.Contains(sets, m[2]) {
			sets = append(sets, m[2])
		}
		if !slices.Contains(sizes, n) {
			sizes = append(sizes, n)
		}
	}
	slices.Sort(sizes)
	for _, set := range sets {
		for _, r := range rows {
			b := best[r[0]+"/"+set]
			if b == nil {
				continue
			}
			fmt.Printf("| %s | optnet %s |", r[1], set)
			for _, n := range sizes {
				fmt.Printf(" %.1f |", b[n])
			}
			fmt.Println()
		}
	}
	fmt.Printf("\npeak of one core, a loop of fused multiply-adds: %.1f GFLOP/s\n", top)
}
