import type { Scene } from './gallery-stage.ts';

/** One page in one state. */
export interface GalleryState extends Scene {
  /** The last part of its address. */
  name: string;
  /** The heading that it is listed under. */
  group: string;
  /** What is different here, in a few words. */
  about: string;
}

/** By name: what is different, and the scene. */
export type Scenes = Readonly<Record<string, readonly [about: string, scene: Scene]>>;

export function list(group: string, scenes: Scenes): GalleryState[] {
  return Object.entries(scenes).map(([name, [about, scene]]) => ({ name, group, about, ...scene }));
}
