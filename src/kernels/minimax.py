#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints coefficients.h: minimax polynomials for vmath.h by Remez exchange (needs mpmath).

Each polynomial P approximates a function f on [a, b] so that max |P - f| * w is smallest; the errors printed are those
of the polynomial after its coefficients were rounded to the element type."""
import struct
from mpmath import mp, mpf, exp, log, sin, cos, erf, erfc, sqrt, pi, tanh, matrix, lu_solve

mp.dps = 50


def rounded(value, real):
    """Nearest float or double, as mpf."""
    if real == 'double':
        return mpf(float(value))
    return mpf(struct.unpack('f', struct.pack('f', float(value)))[0])


def evaluate(c, x):
    total = mpf(0)
    for k in reversed(c):
        total = total * x + k
    return total


def remez(f, w, a, b, degree):
    a, b = mpf(a), mpf(b)
    n = degree + 2
    points = [(a + b) / 2 - (b - a) / 2 * cos(pi * i / (n - 1)) for i in range(n)]
    for _ in range(30):
        m, v = matrix(n, n), matrix(n, 1)
        for i, x in enumerate(points):
            for j in range(degree + 1):
                m[i, j] = x ** j
            m[i, degree + 1] = (-1) ** i / w(x)
            v[i] = f(x)
        solution = lu_solve(m, v)
        c = [solution[j] for j in range(degree + 1)]
        error = lambda x: (evaluate(c, x) - f(x)) * w(x)
        grid = [(a + b) / 2 - (b - a) / 2 * cos(pi * i / (40 * n)) for i in range(40 * n + 1)]
        values = [error(x) for x in grid]
        extrema = []
        for i in range(len(grid)):
            if i and i < len(grid) - 1 and not (abs(values[i]) >= abs(values[i - 1]) and abs(values[i]) >= abs(values[i + 1])):
                continue
            if extrema and (values[extrema[-1]] > 0) == (values[i] > 0):
                if abs(values[i]) > abs(values[extrema[-1]]):
                    extrema[-1] = i
            else:
                extrema.append(i)
        while len(extrema) > n:
            extrema.pop(0 if abs(values[extrema[0]]) < abs(values[extrema[-1]]) else -1)
        if len(extrema) < n:
            break
        new = [grid[i] for i in extrema]
        largest, smallest = max(abs(values[i]) for i in extrema), min(abs(values[i]) for i in extrema)
        points = new
        if largest < smallest * mpf('1.02'):
            break
    return c


def show(name, comment, f, w, a, b, degrees, low=False):
    """Prints both versions of one polynomial; f, w and b may be pairs (float, double). low: also what rounding took from
    the constant term, as NAME_low."""
    print('/* %s. */' % comment)
    for i, (real, degree) in enumerate(zip(('float', 'double'), degrees)):
        f_, w_, b_ = [(x[i] if isinstance(x, list) else x) for x in (f, w, b)]
        exact = remez(f_, w_, a, b_, degree)
        c = [rounded(k, real) for k in exact]
        rest = rounded(exact[0] - c[0], real) if low else 0
        points = [mpf(a) + (mpf(b_) - a) * j / 2000 for j in range(2001)]
        worst = max(abs((evaluate(c, x) + rest - f_(x)) * w_(x)) for x in points)
        form = '%.9gf' if real == 'float' else '%.17g'
        print(('#if KERNEL_BITS == 32' if real == 'float' else '#else') + ' /* %.1e */' % worst)
        print('static const real %s[] = {%s};' % (name, ', '.join(form % float(k) for k in c)))
        if low:
            print(('static const real %s_low = ' + form + ';') % (name, float(rest)))
    print('#endif\n')


HEADER = '''/* SPDX-License-Identifier: MIT
 *
 * Coefficients of vmath.h, lowest power first, printed by minimax.py: minimax polynomials (Remez exchange). Beside
 * each: its largest error, with the coefficients as rounded here.
 */
#ifndef REEL_COEFFICIENTS_H
#define REEL_COEFFICIENTS_H

#include "kernels/vector.h"
'''


def near_zero(f, series):
    """f, or the first terms of its power series where f cancels."""
    return lambda x: series(x) if abs(x) < mpf('1e-12') else f(x)


if __name__ == '__main__':
    print(HEADER)
    reach = log(2) / 2 * mpf('1.001')
    show('exp_c', '(exp(r) - 1 - r) / r^2 on |r| <= log(2)/2, error relative to exp(r)',
         near_zero(lambda r: (exp(r) - 1 - r) / r**2, lambda r: mpf(1) / 2 + r / 6 + r**2 / 24),
         lambda r: max(r**2, mpf('1e-9')) / exp(r), -reach, reach, (4, 10))
    top = ((sqrt(2) - 1) / (sqrt(2) + 1))**2 * mpf('1.001')
    show('log_c', '(log((1 + s) / (1 - s)) / s - 2) / z, z = s^2, |s| <= (sqrt(2) - 1) / (sqrt(2) + 1), error relative to it',
         near_zero(lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) / sqrt(z) - 2) / z,
                   lambda z: mpf(2) / 3 + 2 * z / 5 + 2 * z**2 / 7),
         lambda z: z / 2 + mpf('1e-6'), 0, top, (3, 7))
    show('log_tail_c', '(log((1 + s) / (1 - s)) / s - 2 - 2/3 z) / z^2 on the same interval, error relative to the logarithm',
         near_zero(lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) / sqrt(z) - 2 - 2 * z / 3) / z**2,
                   lambda z: mpf(2) / 5 + 2 * z / 7 + 2 * z**2 / 9),
         lambda z: z**2 / 2 + mpf('1e-8'), 0, top, (4, 8))
    top = (pi / 4 * mpf('1.001'))**2
    show('sin_c', '(sin(r) / r - 1) / z, z = r^2, |r| <= pi/4, error relative to the sine',
         near_zero(lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: -mpf(1) / 6 + z / 120 - z * z / 5040),
         lambda z: z + mpf('1e-6'), 0, top, (2, 5))
    show('cos_c', '(cos(r) - 1 + z / 2) / z^2, z = r^2, |r| <= pi/4, error of the cosine',
         near_zero(lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, lambda z: mpf(1) / 24 - z / 720 + z * z / 40320),
         lambda z: z**2 + mpf('1e-6'), 0, top, (2, 5))
    show('tanh_c', '(tanh(x) / x - 1) / z, z = x^2, |x| <= 0.55, error relative to tanh(x)',
         near_zero(lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z, lambda z: -mpf(1) / 3 + 2 * z / 15 - 17 * z**2 / 315),
         lambda z: z + mpf('1e-6'), 0, mpf('0.551')**2, (4, 9))
    show('erf_c', 'erf(x) / x - 1 in z = x^2, |x| <= 1, error relative to erf(x)',
         near_zero(lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: 2 / sqrt(pi) * (1 - z / 3) - 1),
         lambda z: sqrt(z + mpf('1e-30')) / erf(sqrt(z + mpf('1e-30'))), 0, 1, (6, 11))

    def scaled_erfc(k):
        u = lambda t: k * (1 + t) / (1 - t)
        return lambda t: (1 + 2 * u(t)) * exp(u(t)**2) * erfc(u(t))

    # up to every u whose erfc(u) is not zero in the type
    ends = [(mpf('10.1'), mpf('2.5')), (mpf('27.3'), mpf('3.75'))]
    show('erfc_c', '(1 + 2 u) exp(u^2) erfc(u) in t = (u - k) / (u + k), k = 2.5 (float) or 3.75 (double), 0 <= u, relative error',
         [scaled_erfc(k) for _, k in ends], [lambda t, f=scaled_erfc(k): 1 / f(t) for _, k in ends], -1,
         [(u - k) / (u + k) for u, k in ends], (10, 22), low=True)
    print('#endif')
