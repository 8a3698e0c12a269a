package main

import (
	"encoding/json"
	"os"
	"testing"
)

// Every description compiles.
func TestModels(t *testing.T) {
	models, err := readModels("models.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []json.RawMessage
	data, err := os.ReadFile("models.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(models) != len(list) || len(models) < 40 {
		t.Errorf("%d names for %d models", len(models), len(list))
	}
	for name, d := range models {
		m, err := d.build()
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := m.Compile(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
