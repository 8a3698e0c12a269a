// Command killresume kills trainings with SIGKILL at random times, lets them go on
// with --resume, and fails if a finished epoch is lost or the result is not that of
// a training that was never killed.
//
//	go run ./bench/killresume -runs 1000
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"time"
)

func main() {
	runs := flag.Int("runs", 1000, "trainings to kill")
	optnet := flag.String("optnet", "", "the command; empty: it is built")
	seed := flag.Uint64("seed", 1, "of the times")
	args := flag.String("train", "denoise --epochs 3 --signals 20 --batch 6 --net tuned", "what to train: arguments of optnet train, without --out, --json and --resume")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *optnet, strings.Fields(*args), *runs, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "killresume:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, optnet string, args []string, runs int, seed uint64) error {
	work, err := os.MkdirTemp("", "killresume")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if optnet == "" {
		optnet = filepath.Join(work, "optnet")
		build := exec.CommandContext(ctx, "go", "build", "-o", optnet, "./cmd/optnet")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building the command: %w", err)
		}
	}
	t := &training{optnet: optnet, args: args}
	began := time.Now()
	want, err := t.finish(ctx, filepath.Join(work, "whole"))
	if err != nil {
		return fmt.Errorf("the training that is not killed: %w", err)
	}
	span := time.Since(began)
	rng := rand.New(rand.NewPCG(seed, 0))
	kills, inside := 0, 0
	for k := range runs {
		dir := filepath.Join(work, fmt.Sprint("run", k))
		known, times := 0, 0          // epochs finished, and kills of this training
		window := 1.3 * float64(span) // grows as long as no epoch gets finished: the machine may be busier now
		for {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			killed, err := t.kill(ctx, dir, time.Duration(rng.Float64()*window))
			if err != nil {
				return fmt.Errorf("run %d: %w", k, err)
			}
			epochs := finished(dir)
			if epochs < known {
				return fmt.Errorf("run %d: %d epochs were finished before a kill, %d after it", k, known, epochs)
			}
			if !killed && times == 0 { // it was too quick: again, from the beginning
				if err := os.RemoveAll(dir); err != nil {
					return err
				}
				window *= 0.9
				continue
			}
			if !killed {
				break
			}
			kills++
			times++
			if epochs > 0 {
				inside++
			}
			if epochs == known {
				window *= 1.2
			}
			known = epochs
		}
		got, err := t.finish(ctx, dir)
		if err != nil {
			return fmt.Errorf("run %d, after its kills: %w", k, err)
		}
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("run %d: the result is\n%v\nand without kills\n%v", k, got, want)
		}
		os.RemoveAll(dir)
		if (k+1)%max(1, runs/20) == 0 {
			fmt.Printf("%8s %6d trainings, %6d kills, %6d of them after a finished epoch\n", time.Since(began).Round(time.Second), k+1, kills, inside)
		}
	}
	fmt.Printf("%d trainings, %d kills (%d after a finished epoch): no epoch was lost, and every result is that of the training without kills\n", runs, kills, inside)
	return nil
}

type training struct {
	optnet string
	args   []string
}

func (t *training) command(ctx context.Context, dir string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	args := append([]string{"train"}, t.args...)
	cmd := exec.CommandContext(ctx, t.optnet, append(args, "--json", "--resume", "--out", dir)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	return cmd, &out, &errs
}

// kill trains for a while, and reports whether it had to be killed.
func (t *training) kill(ctx context.Context, dir string, after time.Duration) (bool, error) {
	cmd, out, errs := t.command(ctx, dir)
	if err := cmd.Start(); err != nil {
		return false, err
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	switch {
	case err == nil:
		return false, nil
	case cmd.ProcessState.ExitCode() >= 0: // it ended by itself, and badly
		return false, fmt.Errorf("%w: %s%s", err, out, errs)
	}
	return true, nil
}

// finish trains to the end, and returns the result without times.
func (t *training) finish(ctx context.Context, dir string) (map[string]any, error) {
	cmd, out, errs := t.command(ctx, dir)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s%s", err, out, errs)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var r map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		return nil, err
	}
	return without(r).(map[string]any), nil
}

// without takes times, folders and flags out.
func without(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			if strings.Contains(key, "seconds") || key == "header" || key == "out" || key == "resumed" || key == "from" {
				delete(v, key)
			} else {
				v[key] = without(v[key])
			}
		}
	case []any:
		for i := range v {
			v[i] = without(v[i])
		}
	}
	return v
}

// finished counts the epochs in the table of a folder: its lines after the head
// and epoch 0.
func finished(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, "metrics.csv"))
	if err != nil {
		return 0
	}
	return max(0, bytes.Count(text, []byte("\n"))-2)
}
