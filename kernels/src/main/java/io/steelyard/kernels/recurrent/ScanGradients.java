package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;

/**
 * Where {@link SelectiveScan#vjp} writes: the gradient of each input, with its shape and dtype.
 *
 * @param du of u
 * @param ddelta of delta
 * @param da of a
 * @param db of b
 * @param dc of c
 * @param dskip of the skip connection, where the call has one
 * @param dbias of the bias, where the call has one
 * @param dinitial of the state before the first step, where it is wanted
 */
public record ScanGradients(
    Tensor du,
    Tensor ddelta,
    Tensor da,
    Tensor db,
    Tensor dc,
    Optional<Tensor> dskip,
    Optional<Tensor> dbias,
    Optional<Tensor> dinitial) {

  /** Newly allocated tensors for a call, for the initial state only if there is one. */
  public static ScanGradients of(
      Tensor u,
      Tensor delta,
      Tensor a,
      Tensor b,
      Tensor c,
      Optional<Tensor> initial,
      ScanOptions options) {
    return new ScanGradients(
        Tensor.zerosLike(u),
        Tensor.zerosLike(delta),
        Tensor.zerosLike(a),
        Tensor.zerosLike(b),
        Tensor.zerosLike(c),
        options.skip().map(Tensor::zerosLike),
        options.bias().map(Tensor::zerosLike),
        initial.map(Tensor::zerosLike));
  }

  /** Checks the shapes, and that nothing is written where something is read. */
  void check(Tensor u, Tensor delta, Tensor a, Tensor b, Tensor c, Tensor dy, ScanOptions options) {
    checkOne("du", du, u, u, delta, a, b, c, dy);
    checkOne("ddelta", ddelta, delta, u, delta, a, b, c, dy);
    checkOne("da", da, a, u, delta, a, b, c, dy);
    checkOne("db", db, b, u, delta, a, b, c, dy);
    checkOne("dc", dc, c, u, delta, a, b, c, dy);
    if (dskip.isPresent() != options.skip().isPresent()
        || dbias.isPresent() != options.bias().isPresent()) {
      throw new IllegalArgumentException(
          "gradients have "
              + dskip.map(x -> "dskip").orElse("no dskip")
              + " and "
              + dbias.map(x -> "dbias").orElse("no dbias")
              + "; expected one for each of skip and bias that the options have");
    }
    if (dskip.isPresent()) {
      checkOne("dskip", dskip.get(), options.skip().get(), u, delta, a, b, c, dy);
    }
    if (dbias.isPresent()) {
      checkOne("dbias", dbias.get(), options.bias().get(), u, delta, a, b, c, dy);
    }
    if (dinitial.isPresent()) {
      ScanCall.checkState("dinitial", dinitial.get(), u, a);
      checkOne("dinitial", dinitial.get(), dinitial.get(), u, delta, a, b, c, dy);
    }
  }

  private static void checkOne(
      String name,
      Tensor gradient,
      Tensor of,
      Tensor u,
      Tensor delta,
      Tensor a,
      Tensor b,
      Tensor c,
      Tensor dy) {
    ScanCall.checkLike(name, gradient, of);
    ScanCall.checkOutput(name, gradient, u, delta, a, b, c);
    ScanCall.checkApart(name, gradient, "dy", dy);
  }
}
