package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** The circuits of many matrices, a matrix for each part of the work. */
final class CircuitBatch implements Job {

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0);
  private static final ThreadLocal<CircuitBatch> OWN = ThreadLocal.withInitial(CircuitBatch::new);
  private static final ThreadLocal<Room> ROOM = ThreadLocal.withInitial(Room::new);

  /** Arrays of one thread. */
  private static final class Room {

    private final Circuit circuit = new Circuit();
    private double[] scores = new double[0];
    private double[] weights = scores;
    private double[] angles = scores;
    private double[] slopes = scores;

    void fit(int entries, int count) {
      if (scores.length < entries) {
        scores = new double[entries];
        weights = new double[entries];
      }
      if (angles.length < count) {
        angles = new double[count];
        slopes = new double[count];
      }
    }
  }

  private Tensor x = NOTHING;
  private Tensor dy = NOTHING;
  private Tensor out = NOTHING;
  private double[] theta = new double[0];

  /** Gradient of theta for each matrix, so that they are added in order. */
  private double[] dtheta = theta;

  private int count;
  private int qubits;
  private int layers;
  private boolean backward;

  private CircuitBatch() {}

  static void apply(Tensor x, Tensor theta, Tensor y, int qubits, int layers, int threads) {
    OWN.get().run(x, theta, NOTHING, y, qubits, layers, threads, false);
  }

  static void vjp(
      Tensor x,
      Tensor theta,
      Tensor dy,
      Tensor dx,
      Tensor dtheta,
      int qubits,
      int layers,
      int threads) {
    final CircuitBatch job = OWN.get();
    job.run(x, theta, dy, dx, qubits, layers, threads, true);
    for (int a = 0; a < job.count; a++) {
      double sum = 0;
      for (int matrix = 0; matrix < Matrices.count(x); matrix++) {
        sum += job.dtheta[matrix * job.count + a];
      }
      dtheta.setDouble(dtheta.flatIndex(a), sum);
    }
  }

  private void run(
      Tensor scores,
      Tensor factors,
      Tensor gradient,
      Tensor target,
      int newQubits,
      int newLayers,
      int threads,
      boolean back) {
    x = scores;
    dy = gradient;
    out = target;
    qubits = newQubits;
    layers = newLayers;
    backward = back;
    count = Math.toIntExact(factors.size());
    theta = theta.length < count ? new double[count] : theta;
    for (int a = 0; a < count; a++) {
      theta[a] = factors.getDouble(factors.flatIndex(a));
    }
    final int matrices = Matrices.count(scores);
    final int needed = back ? Math.multiplyExact(matrices, count) : 0;
    dtheta = dtheta.length < needed ? new double[needed] : dtheta;
    try {
      Workers.shared().run(this, matrices, threads);
    } finally {
      x = NOTHING;
      dy = NOTHING;
      out = NOTHING;
    }
  }

  @Override
  public void run(int matrix) {
    final int n = Math.toIntExact(x.rowLength());
    final int entries = n * n;
    final Room room = ROOM.get();
    room.fit(entries, count);
    Matrices.read(x, matrix, room.scores);
    for (int a = 0; a < count; a++) {
      room.angles[a] = theta[a] * room.scores[a % entries];
    }
    room.circuit.run(room.angles, qubits, layers);
    if (!backward) {
      room.circuit.weights(n, room.weights);
      Matrices.write(room.weights, out, matrix);
      return;
    }
    Matrices.read(dy, matrix, room.weights);
    room.circuit.back(room.angles, n, room.weights, room.slopes);
    Arrays.fill(room.weights, 0, entries, 0);
    for (int a = 0; a < count; a++) {
      dtheta[matrix * count + a] = room.slopes[a] * room.scores[a % entries];
      room.weights[a % entries] += room.slopes[a] * theta[a];
    }
    Matrices.write(room.weights, out, matrix);
  }
}
