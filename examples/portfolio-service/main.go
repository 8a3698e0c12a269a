// Portfolio-service answers portfolio questions over HTTP. One compiled program is
// shared by all requests; each request has a deadline, and leaves its memory to the
// next one.
//
//	go run ./examples/portfolio-service -listen localhost:8080
//	curl -d '{"mu":[0.1,0.2,0.15,0.05],"gamma":2}' localhost:8080/weights
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
	"github.com/optnet-go/optnet/qp"
)

const (
	assets   = 4
	deadline = 50 * time.Millisecond
)

// model maximizes μᵀw − γ·wᵀΣw for nonnegative weights w that add up to 1, none
// above 0.6.
func model() (*cvx.Program, error) {
	sigma := cvx.Const([][]float64{
		{0.10, 0.02, 0.01, 0.00},
		{0.02, 0.20, 0.05, 0.01},
		{0.01, 0.05, 0.15, 0.02},
		{0.00, 0.01, 0.02, 0.05},
	})
	m := cvx.NewModel()
	w := m.Var("w", assets).Bounds(0, 0.6)
	mu, gamma := m.Param("mu", assets), m.Param("gamma").NonNeg()
	m.Maximize(cvx.Sub(cvx.Dot(mu, w), cvx.Times(gamma, cvx.QuadForm(w, sigma))))
	m.SubjectTo(cvx.Eq(cvx.Sum(w), cvx.Const(1)).Named("budget"))
	return m.Compile()
}

type request struct {
	Mu    []float64 `json:"mu"`
	Gamma float64   `json:"gamma"`
}

type answer struct {
	Weights []float64 `json:"weights"`
	Value   float64   `json:"value"`
	// Sensitivity is the gradient of the value with respect to mu and gamma.
	Sensitivity struct {
		Mu    []float64 `json:"mu"`
		Gamma float64   `json:"gamma"`
	} `json:"sensitivity"`
}

// job is the memory of one request.
type job struct {
	pass layer.Pass
	grad layer.Gradient
	up   layer.Outputs
}

// service is a handler; it is safe for concurrent use.
type service struct {
	layer *layer.Layer
	jobs  sync.Pool
}

func newService() (*service, error) {
	prog, err := model()
	if err != nil {
		return nil, err
	}
	// One worker a request: requests are what runs in parallel.
	l, err := layer.New(prog, []string{"mu", "gamma"}, []string{"w"}, &layer.Options{Workers: 1})
	if err != nil {
		return nil, err
	}
	s := &service{layer: l}
	s.jobs.New = func() any { return &job{up: layer.Outputs{Value: []float64{1}}} }
	return s, nil
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if len(in.Mu) != assets {
		http.Error(w, "mu has one number for each asset", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	j := s.jobs.Get().(*job)
	defer s.jobs.Put(j)
	out, err := s.decide(ctx, j, &in)
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(out); err != nil {
			log.Print(err)
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		http.Error(w, "no time left", http.StatusServiceUnavailable)
	default: // infeasible, or a parameter against its declaration: the error says which
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	}
}

func (s *service) decide(ctx context.Context, j *job, in *request) (*answer, error) {
	if err := s.layer.Forward(ctx, &j.pass, in.Mu, []float64{in.Gamma}); err != nil {
		return nil, err
	}
	if err := j.pass.Err(); err != nil {
		return nil, err
	}
	if err := j.pass.Backward(ctx, &j.grad, &j.up); err != nil {
		return nil, err
	}
	out := &answer{Weights: j.pass.Vars[0], Value: j.pass.Value[0]}
	out.Sensitivity.Mu, out.Sensitivity.Gamma = j.grad.Params[0], j.grad.Params[1][0]
	return out, nil
}

func main() {
	listen := flag.String("listen", "localhost:8080", "address to listen on")
	flag.Parse()
	s, err := newService()
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("POST /weights", s)
	log.Printf("listening on %s; %s; kernels %s", *listen, s.layer.Method(), qp.Kernels())
	server := &http.Server{Addr: *listen, ReadHeaderTimeout: time.Second}
	log.Fatal(server.ListenAndServe())
}
