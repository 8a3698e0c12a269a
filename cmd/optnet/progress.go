package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/optnet-go/optnet/experiments/sudoku"
	"github.com/schollz/progressbar/v3"
)

// bars makes progress bars; nil makes none.
type bars struct {
	w     io.Writer
	color bool
}

// newBars returns nil unless w is a terminal that can show a bar.
func newBars(w io.Writer) *bars {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &bars{w: w, color: os.Getenv("NO_COLOR") == ""}
}

func (b *bars) start(title string, steps int) *progressbar.ProgressBar {
	theme := progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "", BarEnd: ""}
	if b.color {
		theme.Saucer, theme.SaucerHead = "[green]█[reset]", "[green]█[reset]"
	}
	return progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetDescription(title),
		progressbar.OptionEnableColorCodes(b.color),
		progressbar.OptionSetTheme(theme),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(50*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
	)
}

// progress shows a training: a bar for the epoch at hand, a line for each that
// has ended.
type progress struct {
	lines io.Writer
	bars  *bars
	bar   *progressbar.ProgressBar
	cfg   *sudoku.Config
	start sudoku.Start
}

func (p *progress) report() sudoku.Report {
	return sudoku.Report{Start: p.begin, Step: p.step, Epoch: p.epoch}
}

func (p *progress) begin(s sudoku.Start) {
	p.start = s
	from := fmt.Sprintf("generated from seed %d", p.cfg.Seed)
	if p.cfg.Data != "" {
		from = "from " + p.cfg.Data
	}
	fmt.Fprintf(p.lines, "%d puzzles for training, %d for tests, %s\n", s.Train, s.Test, from)
	fmt.Fprintf(p.lines, "%d of the test puzzles also occur in training\n", s.TestSeen)
}

func (p *progress) step(s sudoku.Step) {
	if p.bars == nil {
		return
	}
	if p.bar == nil {
		p.bar = p.bars.start("", s.Batches)
	}
	p.bar.Describe(fmt.Sprintf("%s epoch %d of %d, loss %.4f", s.Net, s.Epoch, s.Epochs, s.Loss))
	p.bar.Add(1)
	if s.Batch == s.Batches {
		p.end()
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Clear()
		p.bar.Exit()
		p.bar = nil
	}
}

func (p *progress) epoch(e sudoku.Epoch) {
	loss := ""
	if e.TrainLoss.Known() {
		loss = fmt.Sprintf("train loss %.5f, ", float64(e.TrainLoss))
	}
	unseen := ""
	if p.start.TestSeen > 0 {
		unseen = fmt.Sprintf(" (unseen %s)", percent(e.TestErrorUnseen))
	}
	last := ""
	if e.Last != e.Tested {
		last = fmt.Sprintf(", last step %s", percent(e.Last.TestError))
	}
	unsolved := ""
	if n := e.Unsolved + e.AlmostSolved + e.Zeroed + e.TestUnsolved; n > 0 {
		unsolved = fmt.Sprintf(", QPs unsolved %d, of reduced accuracy %d, without gradient %d, unsolved in tests %d", e.Unsolved, e.AlmostSolved, e.Zeroed, e.TestUnsolved)
	}
	fmt.Fprintf(p.lines, "%s epoch %d: %stest MSE %.5f, test error %s%s%s, %.2f s%s\n", e.Net, e.Epoch, loss, float64(e.TestMSE), percent(e.TestError), unseen, last, e.Seconds, unsolved)
}
