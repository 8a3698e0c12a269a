package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func ask(s http.Handler, ctx context.Context, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("POST", "/weights", strings.NewReader(body)).WithContext(ctx))
	return w
}

// Concurrent requests get the answers that they would get alone, to the last bit.
func TestConcurrent(t *testing.T) {
	s, err := newService()
	if err != nil {
		t.Fatal(err)
	}
	question := func(i int) string {
		return fmt.Sprintf(`{"mu":[0.1,0.2,%g,0.05],"gamma":%d}`, 0.01*float64(i), 1+i%3)
	}
	const n = 30
	want := make([]string, n)
	for i := range want {
		w := ask(s, context.Background(), question(i))
		if w.Code != http.StatusOK {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		want[i] = w.Body.String()
		var a answer
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, v := range a.Weights {
			sum += v
		}
		if math.Abs(sum-1) > 1e-7 {
			t.Errorf("weights %v add up to %v", a.Weights, sum)
		}
		for k, g := range a.Sensitivity.Mu { // the envelope theorem
			if math.Abs(g-a.Weights[k]) > 1e-5 {
				t.Errorf("sensitivity %v, weights %v", a.Sensitivity.Mu, a.Weights)
				break
			}
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range n {
				if got := ask(s, context.Background(), question(i)).Body.String(); got != want[i] {
					t.Errorf("got %s, alone %s", got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

func TestRefusals(t *testing.T) {
	s, err := newService()
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tc := range []struct {
		ctx  context.Context
		body string
		code int
		says string
	}{
		{context.Background(), `{"mu":[1,2],"gamma":1}`, http.StatusBadRequest, "one number for each asset"},
		{context.Background(), `{"mu":`, http.StatusBadRequest, "EOF"},
		{context.Background(), `{"mu":[0.1,0.2,0.1,0.1],"gamma":-1}`, http.StatusUnprocessableEntity, "parameter gamma of element 0: entry 0 is -1, and the parameter is declared nonnegative"},
		{over, `{"mu":[0.1,0.2,0.1,0.1],"gamma":1}`, http.StatusServiceUnavailable, "no time left"},
	} {
		w := ask(s, tc.ctx, tc.body)
		if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.says) {
			t.Errorf("%s: %d %s", tc.body, w.Code, w.Body)
		}
	}
}
