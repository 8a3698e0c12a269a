package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestSoak(t *testing.T) {
	var out strings.Builder
	if err := soak(context.Background(), &out, time.Second, 2, 1, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "poisoned") {
		t.Errorf("printed %q", out.String())
	}
}

// TestFlat: a rate that falls, and a heap that grows, are found.
func TestFlat(t *testing.T) {
	var level, slow, fat []sample
	for i := range 12 {
		level = append(level, sample{1000, 1e7, 3})
		slow = append(slow, sample{1000 - 50*float64(i), 1e7, 3})
		fat = append(fat, sample{1000, 1e7 + 2e6*uint64(i), 3})
	}
	if err := flat(level); err != nil {
		t.Error(err)
	}
	if flat(slow) == nil || flat(fat) == nil {
		t.Error("a rate that falls, or a heap that grows, passes")
	}
}
