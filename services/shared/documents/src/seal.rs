//! The visible seal: circle, star, the organ's name around it, all as vectors. Whatever its length, the name fits: the
//! characters become smaller.

use std::f32::consts::PI;

use crate::layout::SEAL;
use crate::lines::Line;

/// A character of the name at its place: the middle of its baseline, as seen from the centre, and how far it is turned clockwise,
/// in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    pub at: (f32, f32),
    pub turned: f32,
}

/// Radius of the circle's middle line.
pub(crate) const RADIUS: f32 = SEAL / 2.0 - 1.6;
/// Width of the circle's line: 1.2 mm.
pub(crate) const STROKE: f32 = 3.2;
/// The baseline of the name, the feet of its characters towards the centre.
const BASELINE: f32 = RADIUS - 20.0;
/// The largest size of the name, and the smallest gap between it and the circle.
const LARGEST: f32 = 14.0;
/// Over how much of the circle the name may go.
const SPAN: f32 = 1.42 * PI;

/// Size of the name's characters, and where they stand.
pub(crate) fn around(name: &Line) -> (f32, Vec<Placed>) {
    let ems = name.ems.max(1.0);
    let size = (SPAN * BASELINE / ems).min(LARGEST);
    // short names are spread
    let gap = match name.set.len() {
        0 | 1 => 0.0,
        count => ((SPAN * BASELINE * 0.82 - ems * size) / (count - 1) as f32).clamp(0.0, size * 0.7),
    };
    let whole = ems * size + gap * (name.set.len().saturating_sub(1)) as f32;
    let mut along = -whole / 2.0;
    let placed = name.set.iter().map(|set| {
        let width = set.found.advance * size;
        let angle = (along + width / 2.0) / BASELINE;
        along += width + gap;
        Placed { at: (BASELINE * angle.sin(), -BASELINE * angle.cos()), turned: angle.to_degrees() }
    });
    let placed = placed.collect();
    (size, placed)
}

/// The ten corners of a star of this radius, its point up.
pub(crate) fn star(radius: f32) -> [(f32, f32); 10] {
    let inner = radius * 0.381_966;
    std::array::from_fn(|corner| {
        let angle = corner as f32 * PI / 5.0;
        let away = if corner % 2 == 0 { radius } else { inner };
        (away * angle.sin(), -away * angle.cos())
    })
}
