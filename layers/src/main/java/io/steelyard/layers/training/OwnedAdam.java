package io.steelyard.layers.training;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.optimizer.Adam;
import ai.djl.training.tracker.Tracker;
import java.util.Map;
import java.util.function.Function;

/**
 * DJL's Adam, with its moment estimates in a given manager.
 *
 * <p>DJL detaches them and nothing ever frees their native memory, twice that of the parameters for
 * each training.
 */
final class OwnedAdam extends Adam {

  private static final float BETA_1 = 0.9f;
  private static final float BETA_2 = 0.999f;
  private static final float EPSILON = 1e-8f;

  private final NDManager manager;

  OwnedAdam(double learningRate, NDManager manager) {
    super(
        Adam.builder()
            .optLearningRateTracker(Tracker.fixed((float) learningRate))
            .optBeta1(BETA_1)
            .optBeta2(BETA_2)
            .optEpsilon(EPSILON));
    this.manager = manager;
  }

  @Override
  protected NDArray withDefaultState(
      Map<String, Map<Device, NDArray>> state,
      String key,
      Device device,
      Function<String, NDArray> defaultFunction) {
    final NDArray moment = super.withDefaultState(state, key, device, defaultFunction);
    if (!moment.getManager().equals(manager)) {
      moment.attach(manager);
    }
    return moment;
  }
}
