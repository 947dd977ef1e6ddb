// The table of one instruction set's functions; included once by each of ssd_generic, ssd_avx2 and ssd_avx512.
#pragma once
#include "ssd_forward.hpp"
#include "ssd_gradients.hpp"

namespace molt::MOLT_ISA {

template <class T>
long ssdScratchSize(const SSDShape &s) {
    return most(most(ForwardScratch<T>::size(s), BackwardScratch<T>::size(s)), s.paddedTile * s.paddedState);
}
template <class T>
constexpr SSDCode<T> ssdCode() {
    return {
        padding<T>,   ssdScratchSize<T>, ssdScores<T>, ssdForward<T>, ssdPrepareBackward<T>,
        ssdStates<T>, ssdGradients<T>,   ssdFinish<T>,
    };
}
extern const SSDCode<float> ssdFloat = ssdCode<float>();
extern const SSDCode<double> ssdDouble = ssdCode<double>();

}  // namespace molt::MOLT_ISA
