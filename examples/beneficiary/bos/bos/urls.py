from django.urls import path

from beneficiaries import views

urlpatterns = [
    path("client/beneficiaries", views.ClientBeneficiaries.as_view()),
    path("client/beneficiaries-prefetched", views.PrefetchedClientBeneficiaries.as_view()),
    path("client/beneficiaries-sql", views.SqlClientBeneficiaries.as_view()),
    path("beneficiaries", views.Beneficiaries.as_view()),
    path("beneficiaries/<int:pk>", views.OneBeneficiary.as_view()),
    path("healthz", views.healthz),
]
