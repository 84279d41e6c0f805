package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.SyntheticGarments;
import io.steelyard.papers.task.SpriteScenes.Crowding;
import io.steelyard.papers.task.SpriteScenes.Thing;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SpriteScenesTest {

  private static final LabelledImages PICTURES = SyntheticGarments.train(200);

  @Test
  void boxesHoldWhatCanBeSeenAndKeepTheirDistance() {
    final SpriteScenes crowded = SpriteScenes.draw(new Random(4), PICTURES, 100, Crowding.CROWDED);
    final SpriteScenes sparse = SpriteScenes.draw(new Random(4), PICTURES, 100, Crowding.SPARSE);
    assertThat(overlap(crowded)).as("largest overlap").isBetween(0.3, 0.6);
    assertThat(overlap(sparse)).isLessThanOrEqualTo(0.05);
    assertThat(crowded.objects().count()).isBetween(250, 450);
    for (int scene = 0; scene < crowded.count(); scene++) {
      final float[] pixels = new float[SpriteScenes.SIDE * SpriteScenes.SIDE];
      crowded.copyPixels(scene, pixels, 0);
      for (int i = 0; i < pixels.length; i++) {
        final int x = i % SpriteScenes.SIDE;
        final int y = i / SpriteScenes.SIDE;
        assertThat(pixels[i]).isBetween(0f, 1f);
        if (pixels[i] > 0.1f) {
          assertThat(crowded.things(scene))
              .as("scene %d, pixel %d, %d", scene, x, y)
              .anyMatch(
                  thing ->
                      x >= thing.left()
                          && x < thing.right()
                          && y >= thing.top()
                          && y < thing.bottom());
        }
      }
    }
  }

  private static double overlap(SpriteScenes scenes) {
    double most = 0;
    for (int scene = 0; scene < scenes.count(); scene++) {
      final List<Thing> things = scenes.things(scene);
      for (int i = 0; i < things.size(); i++) {
        for (int j = 0; j < i; j++) {
          most = Math.max(most, things.get(i).overlap(things.get(j)));
        }
      }
    }
    return most;
  }

  @Test
  void targetsAreTheMiddleOfThings() {
    final SpriteScenes scenes = SpriteScenes.draw(new Random(5), PICTURES, 3, Crowding.SPARSE);
    final SpriteDetector.Targets targets = SpriteDetector.Targets.of(scenes, new int[] {0, 1, 2});
    double cells = 0;
    for (int scene = 0; scene < 3; scene++) {
      for (int cell = 0; cell < 400; cell++) {
        final double x = 4 * (cell % 20) + 2;
        final double y = 4 * (cell / 20) + 2;
        final double inside = targets.inside[scene * 400 + cell];
        cells += inside;
        if (inside == 1) {
          final double left = x - 16 * targets.sides[(scene * 4) * 400 + cell];
          final double bottom = y + 16 * targets.sides[(scene * 4 + 3) * 400 + cell];
          assertThat(scenes.things(scene))
              .anyMatch(
                  thing ->
                      Math.abs(thing.left() - left) < 1e-9
                          && Math.abs(thing.bottom() - bottom) < 1e-9);
          assertThat(
                  targets.classes[(scene * 2) * 400 + cell]
                      + targets.classes[(scene * 2 + 1) * 400 + cell])
              .isCloseTo(1, within(0.0));
        }
      }
    }
    assertThat(targets.positives()).isEqualTo(cells).isPositive();
  }
}
