package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

var units = []struct {
	name  string
	bytes float64
}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}

// parseBytes reads a size as 500MB; "" is what is available.
func parseBytes(s string) (int64, error) {
	if s == "" {
		return available(), nil
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(strings.ToUpper(s), strings.ToUpper(u.name))
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || !(v > 0) || v*u.bytes > math.MaxInt64/2 {
			break
		}
		return int64(v * u.bytes), nil
	}
	return 0, usagef("--memory is %q, want a size as 500MB or 8GB", s)
}

func showBytes(n int64) string {
	for _, u := range units {
		if float64(n) >= u.bytes {
			return fmt.Sprintf("%.3g %s", float64(n)/u.bytes, u.name)
		}
	}
	return "0 B"
}

// available is the memory that can be had without swapping, where the system
// tells; else there is no limit.
func available() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return math.MaxInt64
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if w := strings.Fields(in.Text()); len(w) >= 2 && w[0] == "MemAvailable:" {
			if kib, err := strconv.ParseInt(w[1], 10, 64); err == nil {
				return kib * 1024
			}
		}
	}
	return math.MaxInt64
}
