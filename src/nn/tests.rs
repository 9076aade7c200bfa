use candle_core::{Device, Tensor, Var};

use super::{Heads, Targets, heads::tests_only_linear};

#[test]
fn the_loss_in_stock_operations_has_the_same_value_and_gradients() {
    let heads = Heads { hidden: 2, sizes: vec![3], hints: vec![0], tables: vec![0], bases: vec![Vec::new()] };
    let var = |values: Vec<f32>, shape: &[usize]| Var::from_vec(values, shape, &Device::Cpu).unwrap();
    let hidden = var(vec![0.3, -0.2, 0.5, 0.1], &[2, 2]);
    let weights = var(vec![0.1, 0.4, -0.3, 0.2, 0.7, -0.5], &[6]);
    let biases = var(vec![0.0, 0.1, -0.1], &[3]);
    let (tokens, marginals, hints) = (vec![vec![2_u16, 0]], vec![vec![0.5, 0.25, 0.25]], vec![Vec::new()]);
    let targets = Targets {
        tokens: &tokens,
        hints: &hints,
        lines: &[Vec::new()],
        marginals: &marginals,
        smoothing: 0.1,
    };

    let own = heads.loss(&hidden, &weights, &biases, targets).unwrap();
    let linear = tests_only_linear(&heads, (&hidden, &weights, &biases), targets).unwrap();

    let number = |loss: &Tensor| loss.to_scalar::<f32>().unwrap();
    assert!((number(&own) - number(&linear)).abs() < 1e-6);
    let (own, linear) = (own.backward().unwrap(), linear.backward().unwrap());
    for weight in [&hidden, &weights, &biases] {
        let slopes = |gradients: &candle_core::backprop::GradStore| {
            gradients.get(weight.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(slopes(&own), slopes(&linear));
    }
}
