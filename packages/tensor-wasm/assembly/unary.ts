/**
 * What goes value by value: an operator is a class with what it makes of four values, and a line in a switch, whose numbers
 * the build script copies to the host's side. The loop is compiled once for each. See elementwise.ts for the ends of tensors.
 */
import { CHUNK, chunkEnd } from "./elementwise";
import { float, int, pointer } from "./control";
import { erf, exp, expm1, log, log1p, sigmoid, silu, softplus, tanh } from "./math";
import { splat } from "./simd";
import { sine } from "./trigonometry";

@final @unmanaged class Neg { @inline of(x: v128): v128 { return f32x4.neg(x); } }
@final @unmanaged class Abs { @inline of(x: v128): v128 { return f32x4.abs(x); } }
@final @unmanaged class Sign {
  @inline of(x: v128): v128 {
    const positive = v128.and(f32x4.gt(x, splat(0)), splat(1));
    return v128.or(positive, v128.and(f32x4.lt(x, splat(0)), splat(-1)));
  }
}
@final @unmanaged class Square { @inline of(x: v128): v128 { return f32x4.mul(x, x); } }
@final @unmanaged class Relu { @inline of(x: v128): v128 { return v128.andnot(x, f32x4.le(x, splat(0))); } }
@final @unmanaged class Exp { @inline of(x: v128): v128 { return exp(x); } }
@final @unmanaged class Expm1 { @inline of(x: v128): v128 { return expm1(x); } }
@final @unmanaged class Log { @inline of(x: v128): v128 { return log(x); } }
@final @unmanaged class Log1p { @inline of(x: v128): v128 { return log1p(x); } }
@final @unmanaged class Sqrt { @inline of(x: v128): v128 { return f32x4.sqrt(x); } }
@final @unmanaged class Rsqrt { @inline of(x: v128): v128 { return f32x4.div(splat(1), f32x4.sqrt(x)); } }
@final @unmanaged class Reciprocal { @inline of(x: v128): v128 { return f32x4.div(splat(1), x); } }
@final @unmanaged class Sin { @inline of(x: v128): v128 { return sine(x, 0); } }
@final @unmanaged class Cos { @inline of(x: v128): v128 { return sine(x, 1); } }
@final @unmanaged class Tanh { @inline of(x: v128): v128 { return tanh(x); } }
@final @unmanaged class Sigmoid { @inline of(x: v128): v128 { return sigmoid(x); } }
@final @unmanaged class Erf { @inline of(x: v128): v128 { return erf(x); } }
@final @unmanaged class Silu { @inline of(x: v128): v128 { return silu(x); } }
@final @unmanaged class Softplus { @inline of(x: v128): v128 { return softplus(x); } }
@final @unmanaged class Floor { @inline of(x: v128): v128 { return f32x4.floor(x); } }
@final @unmanaged class Ceil { @inline of(x: v128): v128 { return f32x4.ceil(x); } }
@final @unmanaged class Round { @inline of(x: v128): v128 { return f32x4.nearest(x); } }
@final @unmanaged class IsNaN { @inline of(x: v128): v128 { return truth(f32x4.ne(x, x)); } }
@final @unmanaged class IsFinite { @inline of(x: v128): v128 { return truth(f32x4.lt(f32x4.abs(x), splat(Infinity))); } }
@final @unmanaged class Truncate { @inline of(x: v128): v128 { return i32x4.trunc_sat_f32x4_s(x); } }
@final @unmanaged class ToBool { @inline of(x: v128): v128 { return truth(f32x4.ne(x, splat(0))); } }

@final @unmanaged class NegInt32 { @inline of(x: v128): v128 { return i32x4.neg(x); } }
@final @unmanaged class AbsInt32 { @inline of(x: v128): v128 { return i32x4.abs(x); } }
@final @unmanaged class SignInt32 {
  @inline of(x: v128): v128 { return v128.or(i32x4.shr_s(x, 31), i32x4.shr_u(i32x4.neg(x), 31)); }
}
@final @unmanaged class SquareInt32 { @inline of(x: v128): v128 { return i32x4.mul(x, x); } }
@final @unmanaged class ReluInt32 { @inline of(x: v128): v128 { return i32x4.max_s(x, i32x4.splat(0)); } }
@final @unmanaged class LogicalNotInt32 { @inline of(x: v128): v128 { return truth(i32x4.eq(x, i32x4.splat(0))); } }
@final @unmanaged class ToFloat32Int32 { @inline of(x: v128): v128 { return f32x4.convert_i32x4_s(x); } }
@final @unmanaged class SameInt32 { @inline of(x: v128): v128 { return x; } }
@final @unmanaged class ToBoolInt32 { @inline of(x: v128): v128 { return truth(i32x4.ne(x, i32x4.splat(0))); } }

/** 1 where a comparison holds, as int32 and as bool. */
// @ts-ignore: decorator
@inline
export function truth(mask: v128): v128 {
  return i32x4.shr_u(mask, 31);
}

/** For what takes many steps. */
function each<O>(unit: i32): void {
  const x = pointer(0), y = pointer(1);
  const end = <usize>chunkEnd(unit, int(2)) << 2;
  for (let at = <usize>(unit * CHUNK) << 2; at < end; at += 16) {
    v128.store(y + at, changetype<O>(0).of(v128.load(x + at)));
  }
}

/** The same of two vectors a turn, where there are registers for both. */
function each2<O>(unit: i32): void {
  const x = pointer(0), y = pointer(1);
  const end = <usize>chunkEnd(unit, int(2)) << 2;
  for (let at = <usize>(unit * CHUNK) << 2; at < end; at += 32) {
    const a = changetype<O>(0).of(v128.load(x + at)), b = changetype<O>(0).of(v128.load(x + at, 16));
    v128.store(y + at, a);
    v128.store(y + at, b, 16);
  }
}

/** For what takes a step or two, so that the loop's own count: 64 bytes a turn, to which every tensor is padded. */
function quick<O>(unit: i32): void {
  let x = pointer(0), y = pointer(1);
  const begin = <usize>(unit * CHUNK) << 2, end = x + (<usize>chunkEnd(unit, int(2)) << 2);
  x += begin;
  y += begin;
  while (x < end) {
    v128.store(y, changetype<O>(0).of(v128.load(x)));
    v128.store(y, changetype<O>(0).of(v128.load(x, 16)), 16);
    v128.store(y, changetype<O>(0).of(v128.load(x, 32)), 32);
    v128.store(y, changetype<O>(0).of(v128.load(x, 48)), 48);
    x += 64;
    y += 64;
  }
}

/** Of float32. ints: x, y, n, operator. */
export function unary(unit: i32): void {
  switch (int(3)) {
    case 0: return quick<Neg>(unit);
    case 1: return quick<Abs>(unit);
    case 2: return quick<Sign>(unit);
    case 3: return quick<Square>(unit);
    case 4: return quick<Relu>(unit);
    case 5: return each<Exp>(unit);
    case 6: return each<Expm1>(unit);
    case 7: return each<Log>(unit);
    case 8: return each<Log1p>(unit);
    case 9: return quick<Sqrt>(unit);
    case 10: return each<Rsqrt>(unit);
    case 11: return quick<Reciprocal>(unit);
    case 12: return each<Sin>(unit);
    case 13: return each<Cos>(unit);
    case 14: return each<Tanh>(unit);
    case 15: return each2<Sigmoid>(unit);
    case 16: return each<Erf>(unit);
    case 17: return each<Silu>(unit);
    case 18: return each<Softplus>(unit);
    case 19: return quick<Floor>(unit);
    case 20: return quick<Ceil>(unit);
    case 21: return quick<Round>(unit);
    case 22: return quick<IsNaN>(unit);
    case 23: return quick<IsFinite>(unit);
    case 24: return quick<Truncate>(unit);
    case 25: return quick<ToBool>(unit);
  }
}

/** Of int32 and bool. ints: x, y, n, operator. */
export function unaryInt32(unit: i32): void {
  switch (int(3)) {
    case 0: return quick<NegInt32>(unit);
    case 1: return quick<AbsInt32>(unit);
    case 2: return quick<SignInt32>(unit);
    case 3: return quick<SquareInt32>(unit);
    case 4: return quick<ReluInt32>(unit);
    case 5: return quick<LogicalNotInt32>(unit);
    case 6: return quick<ToFloat32Int32>(unit);
    case 7: return quick<ToBoolInt32>(unit);
    case 8: return quick<SameInt32>(unit);
  }
}

/** float32, NaN passes. ints: x, y, n; floats: least, most. */
export function clamp(unit: i32): void {
  const x = pointer(0), y = pointer(1), least = splat(float(0)), most = splat(float(1));
  const end = <usize>chunkEnd(unit, int(2)) << 2;
  for (let at = <usize>(unit * CHUNK) << 2; at < end; at += 32) {
    v128.store(y + at, f32x4.pmin(f32x4.pmax(v128.load(x + at), least), most));
    v128.store(y + at, f32x4.pmin(f32x4.pmax(v128.load(x + at, 16), least), most), 16);
  }
}

/** ints: x, y, n, least, most. */
export function clampInt32(unit: i32): void {
  const x = pointer(0), y = pointer(1), least = i32x4.splat(int(3)), most = i32x4.splat(int(4));
  const end = <usize>chunkEnd(unit, int(2)) << 2;
  for (let at = <usize>(unit * CHUNK) << 2; at < end; at += 32) {
    v128.store(y + at, i32x4.min_s(i32x4.max_s(v128.load(x + at), least), most));
    v128.store(y + at, i32x4.min_s(i32x4.max_s(v128.load(x + at, 16), least), most), 16);
  }
}
