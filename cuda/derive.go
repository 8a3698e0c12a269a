package cuda

import (
	"context"

	"github.com/optnet-go/optnet/internal/cudadrv"
	"github.com/optnet-go/optnet/qp"
)

// soundPivot is the relative pivot above which a matrix counts as regular if its
// system leaves no residual; below, the CPU finds out.
const soundPivot = 1e-8

// ordinary says whether the device has element i's derivative.
func (d *share) ordinary(i int) bool {
	f := d.infos[i*numInfo : (i+1)*numInfo]
	return d.codes[i] == codeSolved && f[infoWeak] == 0 && f[infoRCond] > soundPivot && !d.moved[i]
}

// others are the elements that the CPU differentiates.
func (d *share) others() []*handed {
	var list []*handed
	for _, h := range []*handed{&d.back, &d.second} {
		if len(h.list) > 0 {
			list = append(list, h)
		}
	}
	return list
}

// sort hands the elements whose derivative is out of the ordinary to the CPU.
func (d *share) sort(ctx context.Context) error {
	was := len(d.second.list)
	d.second.list = d.second.list[:0]
	for i, c := range d.codes[:d.size] {
		if (c == codeSolved || c == codePlain) && !d.ordinary(i) {
			d.second.list = append(d.second.list, i)
		}
	}
	if n := len(d.second.list); n == was || n == 0 {
		return nil
	}
	// The device is not to touch them.
	codes := make([]int32, d.size)
	for i, c := range d.codes[:d.size] {
		codes[i] = c
		if !d.ordinary(i) {
			codes[i] = codePlain
		}
	}
	if err := cudadrv.Upload(d.streams[0], d.args.code, codes); err != nil {
		return err
	}
	if err := d.second.take(ctx, d, qp.OutZ|qp.OutDuals|qp.OutFactors, false); err != nil {
		return handing(err)
	}
	return nil
}

// doubtful notes the elements whose residual was too large for the device.
func (d *share) doubtful() (any bool) {
	for i := range d.size {
		if d.certs[i*numCert+certZeroed] == 2 && !d.moved[i] {
			d.moved[i], any = true, true
		}
	}
	return any
}

// certificate is element i's, whose derivative the device has.
func (d *share) certificate(i int) qp.Certificate {
	f, c := d.infos[i*numInfo:(i+1)*numInfo], d.certs[i*numCert:(i+1)*numCert]
	cert := qp.Certificate{
		Residual: c[certResidual], Margin: f[infoMargin], RCond: min(1, f[infoRCond]),
		Active: int(f[infoActive]), Weak: int(f[infoWeak]), Unique: true, Rule: d.state.plan.opt.Rule,
	}
	cert.Error = (f[infoError] + cert.Residual) / cert.RCond
	if c[certZeroed] != 0 {
		cert.Zeroed, cert.Residual, cert.Error = true, 0, 0
	}
	return cert
}

// vjp differentiates the share's elements.
func (d *share) vjp(ctx context.Context, dst *qp.Gradient, up *qp.Point) error {
	for k := range d.sums {
		d.sums[k] = d.sums[k][:0]
	}
	if d.size == 0 {
		return nil
	}
	if err := d.sort(ctx); err != nil {
		return err
	}
	s := d.state.plan.sh
	a := &d.args
	for k := range points {
		count := d.size * points[k].len(s)
		a.up[k] = 0
		if count == 0 || len(*points[k].of(up)) == 0 {
			continue
		}
		if _, err := d.up[k].grow(d.gpu, count, 8); err != nil {
			return err
		}
		a.up[k] = d.up[k].m.Ptr
	}
	a.rows = 0
	bytes := 0
	for k := range coefs {
		one := coefs[k].len(s)
		a.grad[k] = 0
		if one == 0 || !wants(dst, k) || s.absent(k) {
			continue
		}
		count := d.size * one
		if d.state.shared(k) {
			count = (d.size + chunk - 1) / chunk * one
			if _, err := d.rows.grow(d.gpu, d.size*s.rowSize(), 8); err != nil {
				return err
			}
			a.rows = d.rows.m.Ptr
			d.sums[k] = grow(d.sums[k], count)
		} else {
			bytes += 8 * count
		}
		if _, err := d.grad[k].grow(d.gpu, count, 8); err != nil {
			return err
		}
		a.grad[k] = d.grad[k].m.Ptr
	}
	if _, err := d.cert.grow(d.gpu, d.size*numCert, 8); err != nil {
		return err
	}
	a.cert = d.cert.m.Ptr
	d.certs = grow(d.certs, d.size*numCert)
	plan := d.state.plan
	sums := layout{threads: 256, shared: blockBytes}
	layout := d.deriving(plan, d.size)
	err := d.flow(bytes, func(x *stretch) {
		for k, dev := range x.args.up {
			if dev != 0 {
				d.put(&d.uploads, x, *points[k].of(up), points[k].len(s), dev, false)
			}
		}
		x.todo = append(x.todo, launch{d.kernels(plan).vjp, layout, &d.scratch, d.blocks(layout, x.to-x.from)})
		if a.rows != 0 {
			x.todo = append(x.todo, launch{d.gpu.sums, sums, &d.scratch, 4 * d.Multiprocessors})
		}
	}, func(x *stretch) error {
		put(&d.downloads, d.certs[x.from*numCert:x.to*numCert], x.args.cert, false)
		for k, dev := range x.args.grad {
			one := coefs[k].len(s)
			switch {
			case dev == 0:
			case d.state.shared(k):
				put(&d.downloads, d.sums[k][x.from/chunk*one:(x.to+chunk-1)/chunk*one], dev, false)
			default:
				d.put(&d.downloads, x, *coefs[k].of(&dst.Data), one, dev, dst.Add)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range d.size {
		dst.Certs[d.from+i] = d.certificate(i)
	}
	if d.doubtful() {
		if err := d.sort(ctx); err != nil {
			return err
		}
	}
	derived := Handed{Derived: int64(d.size)}
	for _, h := range d.others() {
		derived.Derivatives += int64(len(h.list))
		if err := h.vjp(ctx, d, dst, up); err != nil {
			return handing(err)
		}
	}
	plan.engine.count(derived)
	return nil
}

// vjp differentiates the elements on the CPU, and adds what is their own.
func (h *handed) vjp(ctx context.Context, d *share, dst *qp.Gradient, up *qp.Point) error {
	s := d.state.plan.sh
	for k := range points {
		gather(points[k].of(&h.up), *points[k].of(up), points[k].len(s), d.from, h.list)
	}
	h.grad.Want = dst.Want
	if err := h.x.VJP(ctx, &h.grad, &h.up); err != nil {
		return err
	}
	for k := range coefs {
		one := coefs[k].len(s)
		if d.args.grad[k] == 0 || d.state.shared(k) {
			continue
		}
		own, part := *coefs[k].of(&dst.Data), *coefs[k].of(&h.grad.Data)
		for j, i := range h.list {
			to := own[(d.from+i)*one : (d.from+i+1)*one]
			if !dst.Add {
				copy(to, part[j*one:])
				continue
			}
			for c, v := range part[j*one : (j+1)*one] {
				to[c] += v
			}
		}
	}
	for j, i := range h.list {
		dst.Certs[d.from+i] = h.grad.Certs[j]
	}
	return nil
}

// jvp computes the tangents of the share's elements.
func (d *share) jvp(ctx context.Context, dst *qp.Tangent, dir *qp.Data) error {
	if d.size == 0 {
		return nil
	}
	if err := d.sort(ctx); err != nil {
		return err
	}
	s, plan := d.state.plan.sh, d.state.plan
	a := &d.args
	a.dirShared = 0
	bytes := 0
	for k := range coefs {
		src, one := *coefs[k].of(dir), coefs[k].len(s)
		a.dir[k] = 0
		if len(src) == 0 || one == 0 {
			continue
		}
		count := one
		if len(src) == one {
			a.dirShared |= 1 << k
		} else {
			count = d.size * one
			bytes += 8 * count
		}
		if _, err := d.dir[k].grow(d.gpu, count, 8); err != nil {
			return err
		}
		a.dir[k] = d.dir[k].m.Ptr
	}
	for k := range points {
		if _, err := d.tangent[k].grow(d.gpu, d.size*points[k].len(s), 8); err != nil {
			return err
		}
		a.tangent[k] = d.tangent[k].m.Ptr
	}
	if _, err := d.cert.grow(d.gpu, d.size*numCert, 8); err != nil {
		return err
	}
	a.cert = d.cert.m.Ptr
	d.certs = grow(d.certs, d.size*numCert)
	layout := d.deriving(plan, d.size)
	err := d.flow(bytes, func(x *stretch) {
		for k, dev := range x.args.dir {
			src, one := *coefs[k].of(dir), coefs[k].len(s)
			switch {
			case dev == 0:
			case len(src) != one:
				d.put(&d.uploads, x, src, one, dev, false)
			case x.from == 0:
				put(&d.uploads, src, dev, false)
			}
		}
		x.todo = append(x.todo, launch{d.kernels(plan).jvp, layout, &d.scratch, d.blocks(layout, x.to-x.from)})
	}, func(x *stretch) error {
		put(&d.downloads, d.certs[x.from*numCert:x.to*numCert], x.args.cert, false)
		for k, dev := range x.args.tangent {
			d.put(&d.downloads, x, *points[k].of(&dst.Point), points[k].len(s), dev, false)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range d.size {
		dst.Certs[d.from+i] = d.certificate(i)
	}
	if d.doubtful() {
		if err := d.sort(ctx); err != nil {
			return err
		}
	}
	derived := Handed{Derived: int64(d.size)}
	for _, h := range d.others() {
		derived.Derivatives += int64(len(h.list))
		if err := h.jvp(ctx, d, dst, dir); err != nil {
			return handing(err)
		}
	}
	plan.engine.count(derived)
	return nil
}

// jvp computes the elements' tangents on the CPU.
func (h *handed) jvp(ctx context.Context, d *share, dst *qp.Tangent, dir *qp.Data) error {
	s := d.state.plan.sh
	for k := range coefs {
		src, one := *coefs[k].of(dir), coefs[k].len(s)
		to := coefs[k].of(&h.dir)
		if len(src) == one && one > 0 {
			*to = append((*to)[:0], src...)
			continue
		}
		gather(to, src, one, d.from, h.list)
	}
	if err := h.x.JVP(ctx, &h.tan, &h.dir); err != nil {
		return err
	}
	for k := range points {
		scatter(*points[k].of(&dst.Point), *points[k].of(&h.tan.Point), points[k].len(s), d.from, h.list)
	}
	for j, i := range h.list {
		dst.Certs[d.from+i] = h.tan.Certs[j]
	}
	return nil
}
