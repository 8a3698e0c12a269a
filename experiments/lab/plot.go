package lab

import (
	"fmt"
	"image/color"
	"image/png"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

const dotsPerInch = 110

// Colors of lines.
var (
	Blue   = color.RGBA{R: 0x1f, G: 0x5f, B: 0xbf, A: 0xff}
	Orange = color.RGBA{R: 0xd9, G: 0x6c, B: 0x06, A: 0xff}
	Green  = color.RGBA{R: 0x2e, G: 0x8b, B: 0x57, A: 0xff}
	Purple = color.RGBA{R: 0x8a, G: 0x3f, B: 0xa8, A: 0xff}
	Gray   = color.RGBA{R: 0x90, G: 0x90, B: 0x90, A: 0xff}
	Black  = color.RGBA{A: 0xff}
)

// Curve is a line of a plot.
type Curve struct {
	Label  string // "": not in the legend
	XY     plotter.XYs
	Color  color.Color
	Dashed bool
	Points bool // a mark at each point
	Bare   bool // marks alone
	Thin   bool
}

// Add draws curves into a plot and its legend; those without points are left out.
func Add(p *plot.Plot, curves ...Curve) error {
	for _, c := range curves {
		if len(c.XY) == 0 {
			continue
		}
		line, points, err := plotter.NewLinePoints(c.XY)
		if err != nil {
			return fmt.Errorf("plotting %s: %w", c.Label, err)
		}
		line.Color, points.Color = c.Color, c.Color
		line.Width = vg.Points(1.6)
		if c.Thin {
			line.Width = vg.Points(0.8)
		}
		points.Shape, points.Radius = draw.CircleGlyph{}, vg.Points(2.2)
		if c.Dashed {
			line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
			points.Shape = draw.RingGlyph{}
		}
		var thumbs []plot.Thumbnailer
		if !c.Bare {
			p.Add(line)
			thumbs = append(thumbs, line)
		}
		if c.Points || c.Bare {
			p.Add(points)
			thumbs = append(thumbs, points)
		}
		if c.Label != "" {
			p.Legend.Add(" "+c.Label, thumbs...)
		}
	}
	return nil
}

// ByEpoch makes points of a figure of the epochs of a network.
func ByEpoch(history []Epoch, net string, seed uint64, figure func(*Epoch) Figure) (xy plotter.XYs) {
	for i := range history {
		e := &history[i]
		if e.Net != net || e.Seed != seed || e.Epoch > 0 && !e.Ended() {
			continue
		}
		if v := figure(e); v.Known() && math.Abs(float64(v)) < math.Inf(1) {
			xy = append(xy, plotter.XY{X: float64(e.Epoch), Y: float64(v)})
		}
	}
	return xy
}

// NewPlot makes a plot with a grid, and its legend in the upper right corner.
func NewPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(2)
	p.Add(plotter.NewGrid())
	return p
}

// WholeTicks marks whole numbers, at most about ten of them.
func WholeTicks(lo, hi float64) (ticks []plot.Tick) {
	step := math.Max(1, math.Ceil((hi-lo)/10))
	for v := math.Ceil(lo); v <= hi; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', 0, 64)})
	}
	return ticks
}

// DrawRow draws plots side by side, each with its share of the width. Where
// there are more shares than plots the legend takes the last one.
func (dir Folder) DrawRow(name string, width, height vg.Length, plots []*plot.Plot, shares []float64, legend *plot.Legend) error {
	if dir == "" {
		return nil
	}
	img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dotsPerInch))
	all := draw.New(img)
	const margin = vg.Length(8)
	left := vg.Length(0)
	for i, share := range shares {
		w := width * vg.Length(share)
		c := draw.Crop(all, left+margin, left+w-width-margin, margin, -margin)
		if i < len(plots) {
			plots[i].Draw(c)
		} else {
			legend.Draw(draw.Crop(c, 0, 0, 0, -3*margin))
		}
		left += w
	}
	return dir.writePNG(name, img)
}

// Draw draws plots in rows and columns of equal size.
func (dir Folder) Draw(name string, width, height vg.Length, plots [][]*plot.Plot) error {
	if dir == "" {
		return nil
	}
	img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dotsPerInch))
	const margin = vg.Length(8)
	tiles := draw.Tiles{
		Rows: len(plots), Cols: len(plots[0]), PadX: 2 * margin, PadY: 2 * margin,
		PadTop: margin, PadBottom: margin, PadLeft: margin, PadRight: margin,
	}
	for i, row := range plot.Align(plots, tiles, draw.New(img)) {
		for j, c := range row {
			if plots[i][j] != nil {
				plots[i][j].Draw(c)
			}
		}
	}
	return dir.writePNG(name, img)
}

// writePNG compresses little: that is most of the time that a plot takes.
func (dir Folder) writePNG(name string, img *vgimg.Canvas) error {
	return dir.Write(name, func(w io.Writer) error {
		e := png.Encoder{CompressionLevel: png.BestSpeed}
		return e.Encode(w, img.Image())
	})
}
