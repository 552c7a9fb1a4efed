"""Output units as likelihoods (MAP D2): the cost is the negative log-likelihood of the target."""

from phalanx.likelihoods.classes import Bernoulli, Multinoulli
from phalanx.likelihoods.counts import Poisson
from phalanx.likelihoods.gaussian import Gaussian, HeteroscedasticGaussian
from phalanx.likelihoods.joint import Head, Joint
from phalanx.likelihoods.likelihood import ClassLikelihood, GaussianLikelihood, Likelihood, NumberLikelihood
from phalanx.likelihoods.mixture import GaussianMixture
from phalanx.likelihoods.multivariate import MultivariateGaussian
from phalanx.likelihoods.rescaling import Rescaled, rescaled

__all__ = [
    "Bernoulli",
    "ClassLikelihood",
    "Gaussian",
    "GaussianLikelihood",
    "GaussianMixture",
    "Head",
    "HeteroscedasticGaussian",
    "Joint",
    "Likelihood",
    "Multinoulli",
    "MultivariateGaussian",
    "NumberLikelihood",
    "Poisson",
    "Rescaled",
    "rescaled",
]
